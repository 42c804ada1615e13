// Package supervisor runs the plugins of scripts: it starts their processes,
// finds out what they take, attends to them while they live, starts them
// again when they fail, and stops them so that nothing of them is left.
//
// Every script has a unit, whose loop goes through waiting, starting, attending
// and what comes after. A Process is one run. Its files are in a directory of
// its own, and outlive the host: instance.json says how to find the process
// again, exit.json how the run ended while nobody looked. The next host adopts a
// process that still runs, and tells the end of one that does not (sweep).
//
// A run's processes are known by a mark in their environment, so that what
// double-forked or left its session is found too. Nothing else is ever
// signalled.
package supervisor
