"""The tables that come with the package. README.md in `suite/catalog/data` has their columns, sources and licenses."""

from typing import Literal

from suite.catalog.datasets import ShippedTable


class BreastCancer(ShippedTable):
    """Diagnoses of 569 breast masses from 30 features of cell nuclei (Wolberg et al. 1993, doi:10.24432/C5DW2B).

    357 masses are benign and 212 malignant. The set is Breast Cancer Wisconsin (Diagnostic) of the UCI Machine Learning
    Repository, license CC BY 4.0.
    """

    name: Literal["breast_cancer"] = "breast_cancer"
    formula = "label = whether a breast mass is benign or malignant"
    target = "diagnosis"


class Wine(ShippedTable):
    """Cultivars of 178 wines from 13 chemical measurements (Aeberhard & Forina 1992, doi:10.24432/C5PC7J).

    The three cultivars have 59, 71 and 48 wines. The set is Wine of the UCI Machine Learning Repository, license
    CC BY 4.0.
    """

    name: Literal["wine"] = "wine"
    formula = "label = the cultivar of which a wine is made"
    target = "cultivar"


class Iris(ShippedTable):
    """Species of 150 irises from 4 lengths and widths in cm (Fisher 1936, doi:10.24432/C56C76).

    Each of the three species has 50 flowers. Values are those of Fisher's paper, from which the copy of the UCI Machine
    Learning Repository, license CC BY 4.0, differs in two flowers.
    """

    name: Literal["iris"] = "iris"
    formula = "label = the species of an iris"
    target = "species"


class Diabetes(ShippedTable):
    """Progression of diabetes in 442 patients from 10 measurements (Efron et al. 2004, doi:10.1214/009053604000000067).

    A regression. The file has the original values, as load_diabetes(scaled=False) of scikit-learn has. Their authors
    state no license.
    """

    name: Literal["diabetes"] = "diabetes"
    formula = "label = disease progression within a year, as a number"
    target = "progression"
    target_type = "regression"
