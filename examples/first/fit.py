import mlhost

rate = mlhost.param("rate", 0.1, min=0, max=1)
x = 10.0
for step in mlhost.loop(50):
    x -= rate.value * 2 * x          # rate.value is always the current one
    mlhost.log(loss=x * x)
mlhost.result(x=x)
