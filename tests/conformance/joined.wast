;; Variants whose cases take different core types share one set of them: i32 with f32 is i32, any other pair i64
;; (CanonicalABI.md, "Flattening"). The inner component answers what it was given; the outer call crosses both
;; from the host and from guest to guest.
(component
  (component $echo
    (type $v' (variant (case "i" u32) (case "f" f32) (case "d" f64) (case "l" s64) (case "none")))
    (export $v "v" (type $v'))
    (core module $m
      (memory (export "mem") 1)
      (func (export "f") (param i32 i64) (result i32)
        (i32.store8 (i32.const 16) (local.get 0))
        (i64.store (i32.const 24) (local.get 1))
        (i32.const 16)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "v" $v) (result $v) (canon lift (core func $i "f") (memory (core memory $i "mem")))))
  (instance $e (instantiate $echo))
  (export "e" (instance $e))
  (alias export $e "v" (type $v))
  (export $w "w" (type $v))
  (func $f (alias export $e "f"))
  (export "f" (func $f) (func (param "v" $w) (result $w))))

(assert_return (invoke "f" (variant.const "i" (u32.const 4294967295))) (variant.const "i" (u32.const 4294967295)))
(assert_return (invoke "f" (variant.const "f" (f32.const -1.5))) (variant.const "f" (f32.const -1.5)))
(assert_return (invoke "f" (variant.const "d" (f64.const 0.1))) (variant.const "d" (f64.const 0.1)))
(assert_return (invoke "f" (variant.const "l" (s64.const -5))) (variant.const "l" (s64.const -5)))
(assert_return (invoke "f" (variant.const "none")) (variant.const "none"))
