;; Copies standard input to standard output, to its end.
(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-t))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "input-stream" (type $in (sub resource)))
    (export "output-stream" (type $out (sub resource)))
    (alias outer 1 $error-t (type $e))
    (export "error" (type $e2 (eq $e)))
    (type $stream-error (variant (case "last-operation-failed" (own $e2)) (case "closed")))
    (export "stream-error" (type $se (eq $stream-error)))
    (export "[method]input-stream.blocking-read"
      (func (param "self" (borrow $in)) (param "len" u64) (result (result (list u8) (error $se)))))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $se)))))))
  (alias export $streams "input-stream" (type $in-t))
  (alias export $streams "output-stream" (type $out-t))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $in-t (type $i))
    (export "input-stream" (type $i2 (eq $i)))
    (export "get-stdin" (func (result (own $i2))))))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $out-t (type $o))
    (export "output-stream" (type $o2 (eq $o)))
    (export "get-stdout" (func (result (own $o2))))))
  (core module $memory
    (memory (export "memory") 2)
    ;; Every chunk lands in the same place: the one before has been written by then.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $m (instantiate $memory))
  (core func $read (canon lower (func $streams "[method]input-stream.blocking-read")
    (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory (core memory $m "memory"))))
  (core func $get-stdin (canon lower (func $stdin "get-stdin")))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core module $main
    (import "m" "memory" (memory 1))
    (import "w" "read" (func $read (param i32 i64 i32)))
    (import "w" "write" (func $write (param i32 i32 i32 i32)))
    (import "w" "get-stdin" (func $get-stdin (result i32)))
    (import "w" "get-stdout" (func $get-stdout (result i32)))
    (func (export "run") (result i32)
      (local $in i32) (local $out i32)
      (local.set $in (call $get-stdin))
      (local.set $out (call $get-stdout))
      (block $end
        (loop $more
          (call $read (local.get $in) (i64.const 4096) (i32.const 16))
          (br_if $end (i32.load8_u (i32.const 16)))
          (call $write (local.get $out) (i32.load (i32.const 20)) (i32.load (i32.const 24)) (i32.const 32))
          (br $more)))
      (i32.const 0)))
  (core instance $i (instantiate $main
    (with "m" (instance (export "memory" (memory $m "memory"))))
    (with "w" (instance
      (export "read" (func $read))
      (export "write" (func $write))
      (export "get-stdin" (func $get-stdin))
      (export "get-stdout" (func $get-stdout))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $run-i (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run-i)))
