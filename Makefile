# The two commands of this repository. All work is done by the scripts that they call.

.PHONY: help up test

help:
	@echo "make up      build what is needed, start Grove with a demo board, open it in the browser"
	@echo "make test    install what the tests need, run everything"

# ARGS are handed on, as in: make up ARGS="--no-open --port 5000"
up:
	@deploy/dev/up $(ARGS)

# ARGS name the stages to run, as in: make test ARGS="format lint"
test:
	@deploy/dev/test $(ARGS)
