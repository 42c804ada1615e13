package supervisor

// markName is the variable in a plugin's environment that marks it, and
// everything it starts, as part of one run.
const markName = "MLHOST_RUN"
