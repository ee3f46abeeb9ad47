;; A core module for the world in wit/world.wit: imports and exports are named as the canonical ABI spells them,
;; and `loop build` makes the component around it.
(module
  (import "wasi:cli/stdout@0.2.12" "get-stdout" (func $get-stdout (result i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write (param $stream i32) (param $text i32) (param $length i32) (param $result i32)))
  (import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $drop-stream (param i32)))

  (memory (export "memory") 1)
  (data (i32.const 64) "Hello, World!\n")

  (func (export "add") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b)))

  ;; run: func() -> result; 0 is ok
  (func (export "wasi:cli/run@0.2.12#run") (result i32)
    (local $stream i32)
    (local.set $stream (call $get-stdout))
    (call $write (local.get $stream) (i32.const 64) (i32.const 14) (i32.const 0))
    (call $drop-stream (local.get $stream))
    (i32.const 0))

  ;; Nothing here takes text or lists, so nothing is ever allocated.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))
