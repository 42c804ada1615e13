"""scikit-learn from outside: what loops of partial_fit and of fit with warm_start
really take, and what the optimizer inside of a perceptron does."""

import os
import unittest

import support

WHY = support.missing("sklearn")

HEAD = """
import os, pickle, sys, time
import numpy
x = numpy.array([[-1.0], [1.0]] * 8)
y = (x[:, 0] > 0).astype(int)
def told():
    time.sleep(0.01)
    return os.path.exists(sys.argv[1])
"""


@unittest.skipIf(WHY, WHY)
class Sklearn(support.ScriptTest):
    def controlled(self, body, name, own, new):
        """body prints, as a list, what each round took."""
        told = os.path.join(self.dir, "stop")
        run = self.run_script(HEAD + body, told)
        run.expect("parameter", name=name, default=own)
        run.expect("step")
        applied = run.set(**{name: new})[0]
        self.assertEqual((applied["status"], applied["value"]), ("applied", new), applied)
        run.expect("observed", name=name, value=new, overwritten=False)
        self.assertEqual(run.set(**{name: -1})[0]["status"], "rejected")
        released = run.ask("release", names=[name])["outcomes"][0]
        self.assertEqual((released["status"], released["value"]), ("released", own), released)
        open(told, "w").close()
        code, out, err = run.finish()
        self.assertEqual((code, run.warnings()), (0, []), err)
        taken = eval(out)
        first, last = applied["step"], released["step"]
        self.assertEqual(set(taken[:first]), {own})
        self.assertEqual(set(taken[first:last]), {new})
        self.assertEqual(set(taken[last:]) | {own}, {own})
        return run

    def test_partial_fit(self):
        # With no penalty and one sample, the intercept moves by eta0 * (target - prediction).
        self.controlled(
            "from sklearn.linear_model import SGDRegressor\n"
            "model = SGDRegressor(penalty=None, learning_rate='constant', eta0=0.25, loss='squared_error')\n"
            "taken, zero = [], numpy.zeros((1, 1))\n"
            "while not told():\n"
            "    before = model.intercept_[0] if taken else 0.0\n"
            "    model.partial_fit(zero, [before + 1.0])\n"
            "    taken.append(round(float(model.intercept_[0] - before), 6))\n"
            "    assert model.eta0 == 0.25 and model.get_params()['eta0'] == 0.25\n"
            "print(taken)\n",
            "sklearn.eta0", 0.25, 0.5,
        )

    def test_warm_start(self):
        # A forest that grows by one tree, as deep as it may be.
        self.controlled(
            "from sklearn.ensemble import RandomForestClassifier\n"
            "x = numpy.arange(64.0).reshape(-1, 1); y = numpy.arange(64) % 2\n"
            "model = RandomForestClassifier(n_estimators=0, warm_start=True, max_depth=2, bootstrap=False)\n"
            "while not told():\n"
            "    model.set_params(n_estimators=model.n_estimators + 1).fit(x, y)\n"
            "print([t.get_depth() for t in model.estimators_])\n",
            "sklearn.max_depth", 2, 4,
        )

    def test_perceptron(self):
        run = self.controlled(
            "from sklearn.neural_network import MLPClassifier, _stochastic_optimizers as inner\n"
            "from sklearn.pipeline import make_pipeline\n"
            "from sklearn.preprocessing import StandardScaler\n"
            "taken, updates = [], inner.SGDOptimizer._get_updates\n"
            "def spy(self, grads):\n"
            "    taken.append(self.learning_rate)\n"
            "    if told(): raise KeyboardInterrupt\n"
            "    return updates(self, grads)\n"
            "inner.SGDOptimizer._get_updates = spy\n"
            "model = MLPClassifier((2,), solver='sgd', learning_rate_init=0.25, max_iter=10**6, tol=0, n_iter_no_change=10**6, batch_size=16)\n"
            "import warnings; warnings.simplefilter('ignore')\n"
            "make_pipeline(StandardScaler(), model).fit(x, y)\n"
            "assert model._optimizer.learning_rate == 0.25\n"
            "print(taken)\n",
            "sklearn.learning_rate_init", 0.25, 0.5,
        )
        self.assertTrue(run.samples("loss"))

    def test_left_alone(self):
        """Adam, what a search fits, pickles, clones, and a fit that starts anew."""
        run = self.run_script(
            HEAD + "import inspect, warnings; warnings.simplefilter('ignore')\n"
            "from sklearn.base import clone\n"
            "from sklearn.model_selection import GridSearchCV\n"
            "from sklearn.linear_model import SGDClassifier, Lasso\n"
            "from sklearn.neural_network import MLPClassifier, _stochastic_optimizers as inner\n"
            "seen, updates = set(), inner.AdamOptimizer._get_updates\n"
            "inner.AdamOptimizer._get_updates = lambda self, g: seen.add(self.learning_rate_init) or updates(self, g)\n"
            "perceptron = MLPClassifier((2,), max_iter=2)\n"
            "GridSearchCV(perceptron, {'alpha': [0.1]}, cv=2).fit(x, y); print(seen); seen.clear()\n"
            "perceptron.fit(x, y); print(seen, perceptron._optimizer.learning_rate_init)\n"
            "lasso = Lasso(alpha=0.01).fit(x, y); print(lasso.alpha, round(float(lasso.coef_[0]), 3))\n"
            "model = pickle.loads(pickle.dumps(clone(SGDClassifier(alpha=0.01)).partial_fit(x, y, [0, 1])))\n"
            "print(model.alpha, list(inspect.signature(model.fit).parameters)[:2])\n",
            parameters={"sklearn.learning_rate_init": 0.5, "sklearn.alpha": 0.25},
        )
        code, out, err = run.finish()
        self.assertEqual(code, 0, err)
        self.assertEqual(out.splitlines(), ["{0.001}", "{0.5} 0.001", "0.01 0.49", "0.01 ['X', 'y']"])
        self.assertEqual(run.warnings(), [])
        self.assertNotIn("sklearn.eta0", [m["name"] for m in run.seen if m["op"] == "parameter"])

    def test_each_parameter_of_the_tables_counts(self):
        """With another value, the next call learns something else; so it does for each class and parameter."""
        body = """
            import sys, warnings; warnings.simplefilter('ignore')
            import numpy
            from sklearn import ensemble, linear_model, naive_bayes, neural_network
            sys.path.insert(0, sys.argv[1])
            from mlhost.hooks import sklearn as hook
            x = numpy.random.RandomState(0).rand(80, 3); y = (x.sum(1) + x[:, 0] * x[:, 1] > 1.7).astype(int)
            start = dict(C=1.0, alpha=1e-3, epsilon=0.1, eta0=0.01, l1_ratio=0.2, l2_regularization=0.0, learning_rate=0.1, max_depth=5,
                max_leaf_nodes=20, min_impurity_decrease=0.0, min_samples_leaf=1, min_samples_split=2, nu=0.5, power_t=0.25)
            other = dict(C=0.01, alpha=0.1, epsilon=0.9, eta0=0.1, l1_ratio=0.9, l2_regularization=9.0, learning_rate=0.5, max_depth=1,
                max_leaf_nodes=2, min_impurity_decrease=0.4, min_samples_leaf=20, min_samples_split=70, nu=0.1, power_t=0.9)
            def learned(kind, options, call, change):
                model = kind(**options)
                def once():
                    classes = {'classes': [0, 1]} if call == 'partial_fit' and hasattr(model, 'predict_proba') or kind in with_classes and call == 'partial_fit' else {}
                    target = () if 'BernoulliRBM' in kind.__name__ or 'OneClass' in kind.__name__ else (y,)
                    getattr(model, call)(x, *target, **classes)
                once()
                if hasattr(model, 'n_estimators'): model.n_estimators += 3
                if hasattr(model, 'max_iter') and 'Hist' in kind.__name__: model.max_iter += 3
                model.set_params(**change)
                assert set(change) <= set(hook._read(model)), (kind, change, hook._read(model))
                once()
                if hasattr(model, 'coef_'): return model.coef_
                if hasattr(model, 'feature_log_prob_'): return model.feature_log_prob_
                if hasattr(model, 'components_'): return model.components_
                return model.predict_proba(x)
            linear = linear_model
            with_classes = (linear.SGDClassifier, linear.Perceptron)
            sgd = dict(penalty='elasticnet', random_state=0)
            kinds = [
                (linear.SGDClassifier, dict(sgd, learning_rate='invscaling', eta0=0.01)), (linear.Perceptron, dict(sgd, eta0=0.01)),
                (linear.SGDRegressor, dict(sgd, loss='huber')), (linear.SGDOneClassSVM, dict(learning_rate='invscaling', eta0=0.01, random_state=0)),
                (naive_bayes.MultinomialNB, {}), (neural_network.BernoulliRBM, dict(random_state=0)),
                (ensemble.RandomForestClassifier, dict(n_estimators=2, random_state=0, bootstrap=False)),
                (ensemble.GradientBoostingClassifier, dict(n_estimators=2, random_state=0)),
                (ensemble.HistGradientBoostingClassifier, dict(max_iter=2, random_state=0, early_stopping=False)),
                (linear.ElasticNet, {}), (linear.Lasso, {}), (linear.LogisticRegression, {}),
            ]
            for kind, options in kinds:
                for call, table in (('partial_fit', hook.PARTIAL), ('fit', hook.WARM)):
                    warm = {'warm_start': True} if call == 'fit' else {}
                    if call == 'fit' and 'warm_start' not in kind().get_params(): continue
                    names = hook._parameters(kind(**options, **warm), call)
                    given = {n: start[n] for n in names if n in kind().get_params() and n not in options}
                    for name in names:
                        if name not in kind().get_params() or name == 'epsilon' and kind is not linear.SGDRegressor: continue
                        if name == 'power_t' and kind is linear.Perceptron: continue
                        one, two = (learned(kind, {**given, **options, **warm}, call, c) for c in ({}, {name: other[name]}))
                        if one.shape == two.shape and (one == two).all(): print(kind.__name__, call, name)
            """
        code, out, err = self.run_plain([support.sys.executable, self.write(body), support.harness.SRC])
        self.assertEqual((code, out), (0, ""), err)


if __name__ == "__main__":
    unittest.main()
