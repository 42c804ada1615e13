"""Hears training updates and ends after the tenth."""

import threading

import mlhost

heard = []
enough = threading.Event()


@mlhost.answers("training_update")
def on_update(update):
    heard.append(update["loss"])
    mlhost.log(heard_loss=update["loss"], step=update["epoch"])
    if len(heard) == 10:
        enough.set()


enough.wait()
mlhost.result(updates=len(heard), last_loss=heard[-1])
