# Ridge regression of petal width on petal length, for one penalty.
args <- commandArgs(trailingOnly = TRUE)
lambda <- as.numeric(args[match("--lambda", args) + 1])

iris <- read.csv("../data/iris.csv")
x <- iris$petal_length - mean(iris$petal_length)
y <- iris$petal_width - mean(iris$petal_width)
slope <- sum(x * y) / (sum(x * x) + lambda)
cat(sprintf("slope=%.4f\n", slope))
cat(sprintf("loss=%.4f\n", mean((y - slope * x)^2)))
