script "listener" {
  source = "listener.py"
}

script "collab_trainer" {
  source     = "collab_trainer.py"
  depends_on = [script.listener.ready]
}
