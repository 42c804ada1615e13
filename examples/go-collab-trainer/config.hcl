script "collab_trainer" {
  plugin     = "../../bin/plugins/go-collab-trainer"
  parameters = { epochs = 10 }
}

# Whatever hears the broadcasts can be a script of any kind.
script "listener" {
  source = "listener.py"
}

# Along a route an update is mail: none is missed, even while the listener is
# still starting.
route "updates" {
  topic = "training_update"
  from  = [script.collab_trainer]
  to    = [script.listener]
}
