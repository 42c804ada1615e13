# scikit-learn in the environment that `make test-ml` sets up, or in yours:
#   mlhost run examples/sklearn/config.hcl --input python=/path/to/python

input "python" {
  type    = "string"
  default = "../../.venv-ml/bin/python"
  doc     = "an interpreter that has scikit-learn"
}

script "digits" {
  source      = "digits.py"
  interpreter = input.python
  env         = { OMP_NUM_THREADS = "1" }

  parameters = { eta0 = 0.05, batch_size = 128 }
}
