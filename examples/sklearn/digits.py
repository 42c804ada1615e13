"""Online learning of handwritten digits with scikit-learn, one batch at a time."""

import mlhost
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

alpha = mlhost.param("alpha", 1e-4, min=1e-8, max=1.0, scale="log")
rate = mlhost.param("eta0", 0.01, min=1e-6, max=10.0, scale="log")
batch = mlhost.param("batch_size", 64, min=1, max=1024)

images, digits = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images / 16, digits, test_size=0.3, random_state=0)
model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=rate.value, alpha=alpha.value, random_state=0)
order = np.random.default_rng(0)

for step in mlhost.loop(300):
    model.set_params(eta0=rate.value, alpha=alpha.value)  # what is current now
    chosen = order.integers(0, len(train_x), batch.value)
    model.partial_fit(train_x[chosen], train_y[chosen], classes=np.arange(10))
    if step % 10 == 9:
        mlhost.log(accuracy=float(model.score(test_x, test_y)))

mlhost.result(accuracy=float(model.score(test_x, test_y)), classes=len(model.classes_))
