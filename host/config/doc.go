// Package config reads mlhost's configuration: HCL files, or their JSON
// variant, become a Config, and every mistake becomes a diagnostic with its
// place, an excerpt and a hint. Loading collects all diagnostics; it does not
// stop at the first.
//
// Parameter values and route expressions stay expressions. They are decoded
// later, against what a script's description says: Script.Resolve gives
// typed values, Route.When and Route.Value are evaluated on a Snapshot.
package config
