// Package router decides who may say what to whom, and carries it there.
//
// Three things pass through it:
//
//   - Messages. An ask is delivered at once to its target's Endpoint and waits
//     for the reply until its deadline. A tell is put into the target's
//     mailbox, acknowledged when that is durable, and pushed from there one at
//     a time (see mailman) or collected by a script that asks for its mail. A
//     broadcast goes, at most once, to every script that lives.
//   - Routes from a variable to a parameter (see flow), which watch committed
//     samples and set the parameter through the same door as a person does.
//   - Topic routes, which put what a script broadcasts or notifies into the
//     mailboxes of the scripts that the route names, whether they live or not.
//
// The router owns no process and no file: endpoints are attached by the host
// while a script's link is open, and mailboxes are the store's, handed in as
// functions.
package router
