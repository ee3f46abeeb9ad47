# What bash would offer at the end of each line.
source ./loop.bash
try() {
  COMP_WORDS=("$@")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  _loop
  echo "$*| ${COMPREPLY[*]}"
}
try loop ""
try loop sl
try loop slot ""
try loop slot sh
try loop run ""
try loop run --i
try loop run --dir . -
try loop run --slot = x
try loop run -- pro
try loop --slot command:run=x com
try loop completions ""
try loop slot set command:new pro
try loop new component hello --l
