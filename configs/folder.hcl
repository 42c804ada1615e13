# Every *.py beside this file is known, by its name without .py, and started
# by hand: `mlhost start NAME`.

host {
  listen = "" # no TCP
}

connector {
  listen = ""
}

scripts "here" {
  directory = "."
  exclude   = ["test_*", "conftest.py"]
}
