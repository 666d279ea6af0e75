# Makes reference.json: Rscript reference.R > reference.json (R with metafor; Debian: r-cran-metafor). No test needs R.
suppressMessages(library(metafor))
options(digits = 17)

bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
smoke <- dat.hackshaw1998
strokes <- escalc(
  measure = "MD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.normand1999
)
sets <- list(
  bcg = list(y = as.numeric(bcg$yi), s = sqrt(bcg$vi)),
  smoke = list(y = as.numeric(smoke$yi), s = sqrt(smoke$vi)),
  strokes = list(y = as.numeric(strokes$yi), s = sqrt(strokes$vi)),
  log_errors = list(y = log(c(10.3, 9.1, 12.7, 11.0, 8.4, 10.9)), s = c(.05, .031, .08, .12, .045, .027)),
  alike = list(y = c(.51, .52, .50, .53), s = c(.1, .2, .15, .12)),
  three = list(y = c(1.2, .4, 2.9), s = c(.3, .5, .4)),
  two = list(y = c(2.31, 2.6), s = c(.04, .07))
)

number <- function(x) if (is.na(x)) "null" else sprintf("%.17g", x)
many <- function(x) paste0("[", paste(sapply(x, number), collapse = ", "), "]")
entry <- function(name, y, s) {
  test <- function(of) rma(y, sei = s, method = "REML", test = of, control = list(threshold = 1e-12, maxiter = 10000))
  found <- test("knha")
  if (found$tau2 < 1e-12) found <- test("adhoc") # where no heterogeneity is found the scale is not below 1
  k <- length(y)
  reach <- if (k > 2) qt(.975, k - 2) * sqrt(found$tau2 + found$se^2) else NA
  values <- list(
    mean = found$b, error = found$se, low = found$ci.lb, high = found$ci.ub, tau2 = found$tau2, i2 = found$I2 / 100,
    q = found$QE, q_p = found$QEp, new_low = found$b - reach, new_high = found$b + reach
  )
  parts <- sapply(names(values), function(each) sprintf('"%s": %s', each, number(values[[each]])))
  weights <- many(weights(found) / 100)
  sprintf('"%s": {"y": %s, "s": %s, "weights": %s, %s}', name, many(y), many(s), weights, paste(parts, collapse = ", "))
}
made <- sapply(names(sets), function(name) entry(name, sets[[name]]$y, sets[[name]]$s))
cat(sprintf('{"metafor": "%s",\n', packageVersion("metafor")), paste(made, collapse = ",\n"), "}\n", sep = "")
