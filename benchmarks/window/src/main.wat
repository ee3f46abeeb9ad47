;; Draws 800 x 600 pixels a frame, each ((x + t) ^ (y - t)) * 0x010203, as fast as it may, and ends after as many frames
;; as its argument says. `direct.ts` is the same in TypeScript on loop's own binding.
(module
  (import "loop:window/windows@0.1.0" "[static]window.open"
    (func $open (param i32 i32 i32 i32 i32)))
  (import "loop:window/frames@0.1.0" "set-cap" (func $cap (param i32 i32)))
  (import "loop:window/frames@0.1.0" "stop" (func $stop (param i32)))
  (import "loop:gfx/frame-buffer@0.1.0" "present" (func $present (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:cli/environment@0.2.12" "get-arguments" (func $arguments (param i32)))
  ;; 1024: answers of imports; 4096: texts; 65536: pixels.
  (memory (export "memory") 32)
  (global $window (mut i32) (i32.const 0))
  (global $frames (mut i32) (i32.const 0))
  (global $frame (mut i32) (i32.const 0))
  (global $free (mut i32) (i32.const 4096))
  (data (i32.const 512) "xor")

  ;; What the host puts here is read at once or never.
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $place i32)
    (if (i32.gt_u (i32.add (global.get $free) (local.get $size)) (i32.const 65000))
      (then (global.set $free (i32.const 4096))))
    (local.set $place (global.get $free))
    (global.set $free (i32.and (i32.add (i32.add (local.get $place) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (local.get $place))

  ;; The second argument, a number in digits.
  (func $wanted (result i32)
    (local $at i32) (local $end i32) (local $value i32)
    (call $arguments (i32.const 1024))
    (local.set $at (i32.load offset=8 (i32.load (i32.const 1024))))
    (local.set $end (i32.add (local.get $at) (i32.load offset=12 (i32.load (i32.const 1024)))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 10))
        (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
    (local.get $value))

  (func (export "loop:window/app@0.1.0#init")
    (global.set $frames (call $wanted))
    (call $open (i32.const 512) (i32.const 3) (i32.const 800) (i32.const 600) (i32.const 1024))
    (global.set $window (i32.load (i32.const 1028)))
    (call $cap (i32.const 1) (i32.const 100000)))

  (func (export "loop:window/app@0.1.0#event")
    (param i32 f64 i32 i32 i32 i32 i32 i32 i32))

  (func (export "loop:window/app@0.1.0#frame") (param f64) (result i32)
    (local $x i32) (local $y i32) (local $t i32) (local $at i32) (local $row i32)
    (local.set $t (global.get $frame))
    (local.set $at (i32.const 65536))
    (loop $rows
      (local.set $x (i32.const 0))
      (local.set $row (i32.sub (local.get $y) (local.get $t)))
      ;; Four at a time, as a compiler would.
      (loop $columns
        (i32.store offset=0 (local.get $at)
          (i32.mul (i32.xor (i32.add (local.get $x) (i32.add (local.get $t) (i32.const 0))) (local.get $row)) (i32.const 0x010203)))
        (i32.store offset=4 (local.get $at)
          (i32.mul (i32.xor (i32.add (local.get $x) (i32.add (local.get $t) (i32.const 1))) (local.get $row)) (i32.const 0x010203)))
        (i32.store offset=8 (local.get $at)
          (i32.mul (i32.xor (i32.add (local.get $x) (i32.add (local.get $t) (i32.const 2))) (local.get $row)) (i32.const 0x010203)))
        (i32.store offset=12 (local.get $at)
          (i32.mul (i32.xor (i32.add (local.get $x) (i32.add (local.get $t) (i32.const 3))) (local.get $row)) (i32.const 0x010203)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (br_if $columns (i32.lt_u (local.get $x) (i32.const 800))))
      (local.set $y (i32.add (local.get $y) (i32.const 1)))
      (br_if $rows (i32.lt_u (local.get $y) (i32.const 600))))
    (call $present (global.get $window) (i32.const 800) (i32.const 600)
      (i32.const 65536) (i32.const 1920000) (i32.const 1024))
    (global.set $frame (i32.add (global.get $frame) (i32.const 1)))
    (if (i32.ge_u (global.get $frame) (global.get $frames)) (then (call $stop (i32.const 0))))
    (i32.const 1)))
