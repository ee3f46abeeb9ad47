;; Writes 4 KiB of "y" and line ends 256 times and never looks at what a write answers.
(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-t))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $out (sub resource)))
    (alias outer 1 $error-t (type $e))
    (export "error" (type $e2 (eq $e)))
    (type $stream-error (variant (case "last-operation-failed" (own $e2)) (case "closed")))
    (export "stream-error" (type $se (eq $stream-error)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $se)))))))
  (alias export $streams "output-stream" (type $out-t))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $out-t (type $o))
    (export "output-stream" (type $o2 (eq $o)))
    (export "get-stdout" (func (result (own $o2))))))
  (core module $memory (memory (export "memory") 2))
  (core instance $m (instantiate $memory))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory (core memory $m "memory"))))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core module $main
    (import "m" "memory" (memory 1))
    (import "w" "write" (func $write (param i32 i32 i32 i32)))
    (import "w" "get-stdout" (func $get-stdout (result i32)))
    (func (export "run") (result i32)
      (local $out i32) (local $at i32) (local $left i32)
      (local.set $at (i32.const 1024))
      (loop $fill
        (i32.store16 (local.get $at) (i32.const 0x0a79))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (br_if $fill (i32.lt_u (local.get $at) (i32.const 5120))))
      (local.set $out (call $get-stdout))
      (local.set $left (i32.const 256))
      (loop $again
        (call $write (local.get $out) (i32.const 1024) (i32.const 4096) (i32.const 16))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (i32.const 0)))
  (core instance $i (instantiate $main
    (with "m" (instance (export "memory" (memory $m "memory"))))
    (with "w" (instance (export "write" (func $write)) (export "get-stdout" (func $get-stdout))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $run-i (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run-i)))
