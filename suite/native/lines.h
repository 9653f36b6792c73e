/* Exact kinks of piecewise-linear networks along lines, in double precision. */
