// Package sdk is a plugin author's whole world. A plugin is a main package
// that hands a Script to Serve:
//
//	func main() { sdk.Serve(&trainer{}) }
//
//	func (t *trainer) Describe() script.Description { … }
//
//	func (t *trainer) Run(ctx context.Context, s *sdk.Session) error {
//		for range s.Int("steps") {
//			s.Set("loss", train(s.Float("learning_rate")))
//			if err := s.Step(ctx); err != nil {
//				return err
//			}
//		}
//		s.Result("accuracy", accuracy)
//		return nil
//	}
//
// Parameters change while Run works; OnChange tells when. What a Script can
// do beyond that it shows by small interfaces: Validator, Checkpointer,
// Answerer. The process lives on when its host goes away, keeps what the host
// has missed, and hands it over when the host is back. Package sdktest runs a
// Script in a test.
package sdk
