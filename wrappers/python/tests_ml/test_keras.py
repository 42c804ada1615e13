"""Keras with the torch backend, from outside. The loss falls as the one weight grows,
by the learning rate with each batch: what a batch took can be read off the weight."""

import os
import unittest

import support

WHY = support.missing("keras", "torch")

HEAD = """
import os, sys, time
os.environ['KERAS_BACKEND'] = 'torch'
import keras, numpy
keras.utils.disable_interactive_logging()
inputs = keras.Input((1,))
model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False, kernel_initializer='zeros', name='grow')(inputs))
ones = numpy.ones((16, 1), 'float32')
grown = []
class Watch(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        grown.append(float(model.get_weights()[0][0, 0]))
        if len(sys.argv) > 1:
            time.sleep(0.02)
            if os.path.exists(sys.argv[1]):
                self.model.stop_training = True
def train(rate, epochs):
    model.compile(keras.optimizers.SGD(rate), loss=lambda y, p: -keras.ops.mean(p))
    model.fit(ones, ones, batch_size=4, epochs=epochs, verbose=0, callbacks=[Watch()])
    taken = [round(after - before, 5) for before, after in zip([0.0] + grown, grown)]
    print(taken, round(float(model.optimizer.learning_rate), 5))
"""


@unittest.skipIf(WHY, WHY)
class Keras(support.ScriptTest):
    def test_set_and_release(self):
        told = os.path.join(self.dir, "stop")
        run = self.run_script(HEAD + "train(0.25, 5000)\n", told)
        run.expect("parameter", name="keras.learning_rate", default=0.25)
        run.expect("step")
        applied = run.set(**{"keras.learning_rate": 0.5})[0]
        self.assertEqual((applied["status"], applied["value"]), ("applied", 0.5), applied)
        run.expect("observed", name="keras.learning_rate", value=0.5, overwritten=False)
        released = run.ask("release", names=["keras.learning_rate"])["outcomes"][0]
        self.assertEqual((released["status"], released["value"]), ("released", 0.25), released)
        open(told, "w").close()
        code, out, err = run.finish()
        self.assertEqual((code, run.warnings()), (0, []), err)
        taken, last = eval(out.replace("] ", "], "))
        first, then = applied["step"], released["step"]
        self.assertEqual(set(taken[:first]), {0.25})
        self.assertEqual(set(taken[first:then]), {0.5})
        self.assertEqual((set(taken[then:]) | {0.25}, last), ({0.25}, 0.25))
        self.assertTrue(run.samples("loss"))

    def test_configured_and_what_the_script_assigns(self):
        run = self.run_script(
            HEAD + "class Own(keras.callbacks.Callback):\n"
            "    def on_epoch_begin(self, epoch, logs=None):\n"
            "        self.model.optimizer.learning_rate = 0.125 * (epoch + 1)\n"
            "model.compile(keras.optimizers.SGD(0.25), loss=lambda y, p: -keras.ops.mean(p))\n"
            "model.fit(ones, ones, batch_size=8, epochs=2, verbose=0, callbacks=[Own(), Watch()])\n"
            "print(grown, float(model.optimizer.learning_rate))\n"
            "model.predict(ones, verbose=0); model.evaluate(ones, ones, verbose=0)\n"
            "schedule = keras.optimizers.schedules.ExponentialDecay(0.25, 1, 0.5)\n"
            "grown.clear(); train(schedule, 1)\n",
            parameters={"keras.learning_rate": 0.5},
        )
        code, out, err = run.finish()
        self.assertEqual(code, 0, err)
        self.assertEqual(out.splitlines()[0], "[0.5, 1.0, 1.5, 2.0] 0.25")
        self.assertFalse([w for w in run.warnings() if "could not" in w], run.warnings())


if __name__ == "__main__":
    unittest.main()
