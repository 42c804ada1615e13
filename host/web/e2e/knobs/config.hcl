# What the tests turn: a script that answers each change in another way.

host {
  name = "knobs"
}

script "knobs" {
  source      = "knobs.sh"
  interpreter = "/bin/sh"
  protocol    = "lines"
}

script "wide" {
  source      = "wide.sh"
  interpreter = "/bin/sh"
  protocol    = "lines"
  autostart   = false
}

script "flood" {
  source      = "flood.sh"
  interpreter = "/bin/sh"
  autostart   = false
}

script "quiet" {
  source      = "quiet.sh"
  interpreter = "/bin/sh"
  autostart   = false
}

route "raise" {
  from  = script.knobs.variable.signal
  to    = script.knobs.parameter.gain
  when  = from > 0
  value = 0.75
}
