"""XGBoost and LightGBM from outside. With two leaves for two values and nothing
that regularizes, each round leaves 1 - learning_rate of what is to be learned: the
rate that a round really took can be read off the evaluations."""

import os
import unittest

import support

HEAD = """
import os, sys, time
import numpy
x = numpy.array([[-1.0], [1.0]] * 8)
y = x[:, 0]
def rates(errors, power):
    shrunk = [after / before for before, after in zip([1.0] + list(errors), errors)]
    return [round(float(1 - s ** power), 4) for s in shrunk]
"""

XGB = (
    HEAD
    + """
import xgboost
own = dict(base_score=0, reg_lambda=0, eta=0.01, max_depth=1, min_child_weight=0, nthread=1)
def rounds(**more):
    evaluated = {}
    data = xgboost.DMatrix(x, y)
    model = xgboost.train(own, data, evals=[(data, 'train')], evals_result=evaluated, verbose_eval=False, **more)
    return rates(evaluated['train']['rmse'], 1)
class Callback(xgboost.callback.TrainingCallback):
    def after_iteration(self, model, epoch, evals_log):
        time.sleep(0.02)
        return os.path.exists(sys.argv[1])
def until_told():
    return rounds(num_boost_round=4000, callbacks=[Callback()])
def by_sklearn():
    model = xgboost.XGBRegressor(n_estimators=3, base_score=0, reg_lambda=0, learning_rate=0.01, max_depth=1, min_child_weight=0, n_jobs=1)
    model.fit(x, y, eval_set=[(x[:8], y[:8])], verbose=False)
    return rates(model.evals_result()['validation_0']['rmse'], 1), model.get_params()['learning_rate']
def folds():
    found = xgboost.cv(own, xgboost.DMatrix(x, y), num_boost_round=3, nfold=2, as_pandas=False)
    return rates(found['train-rmse-mean'], 1)
"""
)

LGB = (
    HEAD
    + """
import lightgbm
own = dict(objective='regression', boost_from_average=False, lambda_l2=0, learning_rate=0.01, min_data_in_leaf=1, min_sum_hessian_in_leaf=0, num_threads=1, verbose=-1, num_leaves=2, min_data_in_bin=1)
def data():
    return lightgbm.Dataset(x, y, params=dict(own), free_raw_data=False)
def stop(env):
    time.sleep(0.02)
    if os.path.exists(sys.argv[1]):
        raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)
def until_told():
    evaluated, train = {}, data()
    lightgbm.train(dict(own), train, 4000, [train], callbacks=[lightgbm.record_evaluation(evaluated), stop])
    return rates(evaluated['training']['l2'], 0.5)
def by_sklearn():
    model = lightgbm.LGBMRegressor(n_estimators=3, **own)
    model.fit(x, y, eval_set=[(x[:8], y[:8])])
    name = next(iter(model.evals_result_))
    return rates(model.evals_result_[name]['l2'], 0.5), model.get_params()['learning_rate']
def folds():
    found = lightgbm.cv(dict(own), data(), 3, nfold=2, stratified=False, eval_train_metric=True)
    return rates(found['train l2-mean'], 0.5)
"""
)


class Boosters(support.ScriptTest):
    def controlled(self, source, name, variable):
        """Sets a rate while a model trains, gives it back, and checks every round."""
        told = os.path.join(self.dir, "stop")
        run = self.run_script(source + "print(until_told())\n", told)
        run.expect("parameter", name=name, default=0.01)
        run.expect("step")
        applied = run.set(**{name: 0.02})[0]
        self.assertEqual((applied["status"], applied["value"]), ("applied", 0.02), applied)
        run.expect("observed", name=name, value=0.02, overwritten=False)
        released = run.ask("release", names=[name])["outcomes"][0]
        self.assertEqual((released["status"], released["value"]), ("released", 0.01), released)
        self.assertEqual(run.set(**{name: "fast"})[0]["status"], "rejected")
        open(told, "w").close()
        code, out, err = run.finish()
        self.assertEqual((code, run.warnings()), (0, []), err)
        rates = eval(out)
        first, last = applied["step"], released["step"]
        self.assertLess(first, last)
        self.assertEqual(set(rates[:first]), {0.01})
        self.assertEqual(set(rates[first:last]), {0.02})
        self.assertEqual(set(rates[last:]) | {0.01}, {0.01})
        self.assertTrue(run.samples(variable))

    def configured(self, source, name, variable):
        """The folds are left alone, and the scikit-learn class takes what is configured."""
        run = self.run_script(source + "print(folds())\nprint(by_sklearn())\n", parameters={name: 0.25})
        code, out, err = run.finish()
        self.assertEqual(code, 0, err)
        folds, (rates, shown) = map(eval, out.splitlines())
        self.assertEqual(folds, [0.01] * 3)
        self.assertEqual((rates, shown), ([0.25] * 3, 0.01))
        self.assertEqual(run.warnings(), [])
        self.assertTrue(run.samples(variable))

    @unittest.skipIf(support.missing("xgboost"), "xgboost")
    def test_xgboost(self):
        self.controlled(XGB, "xgboost.learning_rate", "train-rmse")

    @unittest.skipIf(support.missing("xgboost", "sklearn"), "xgboost, scikit-learn")
    def test_xgboost_by_sklearn_and_cv(self):
        self.configured(XGB, "xgboost.learning_rate", "validation_0-rmse")

    @unittest.skipIf(support.missing("lightgbm"), "lightgbm")
    def test_lightgbm(self):
        self.controlled(LGB, "lightgbm.learning_rate", "training-l2")

    @unittest.skipIf(support.missing("lightgbm", "sklearn"), "lightgbm, scikit-learn")
    def test_lightgbm_by_sklearn_and_cv(self):
        self.configured(LGB, "lightgbm.learning_rate", "valid_0-l2")


if __name__ == "__main__":
    unittest.main()
