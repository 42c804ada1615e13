script "collab_trainer" {
  plugin     = "../../bin/plugins/go-collab-trainer"
  parameters = { epochs = 10 }
  depends_on = [script.listener.ready]
}

# Whatever hears the broadcasts can be a script of any kind.
script "listener" {
  source = "listener.py"
}
