package interpreter

// markName is the environment variable that marks every process of a run.
const markName = "MLHOST_RUN"
