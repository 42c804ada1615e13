// Command plateau is a plugin that listens to a script's loss, counts the
// plateaus, that is how often the loss has stopped to get better, and proposes
// a lower learning rate at each.
//
// A message of topic training_update carries {"loss": number} and, where the
// sender likes, the "learning_rate" in use; one of topic training_done ends
// the run. What comes of it are the variables plateaus and
// suggested_learning_rate, for routes:
//
//	route "progress" {
//	  topic = "training_update"
//	  from  = [script.trainer]
//	  to    = [script.plateau]
//	}
//
//	route "reduce-on-plateau" {
//	  from  = script.plateau.variable.plateaus
//	  to    = script.trainer.parameter.learning_rate
//	  value = to * script.plateau.parameter.factor
//	}
//
// Neither variable has a value before the first plateau, so that the route
// does nothing until then.
package main

import "github.com/mlhost/mlhost/shared/sdk"

func main() { sdk.Serve(newPlateau()) }
