;; Flags take the fewest of one, two or four bytes; bits beyond the labels are ignored (CanonicalABI.md,
;; lift_flat_flags).
(component
  (type $f' (flags "a" "b" "c"))
  (export $f "f" (type $f'))
  (core module $m
    (func (export "dirty") (result i32) (i32.const 0xffff_fffa))
    (func (export "same") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  (func (export "dirty") (result $f) (canon lift (core func $i "dirty")))
  (func (export "same") (param "f" $f) (result $f) (canon lift (core func $i "same")))
  (func (export "bits") (param "f" $f) (result u32) (canon lift (core func $i "same"))))

(assert_return (invoke "dirty") (flags.const "b"))
(assert_return (invoke "same" (flags.const "a" "c")) (flags.const "a" "c"))
(assert_return (invoke "bits" (flags.const "a" "c")) (u32.const 5))
(assert_return (invoke "same" (flags.const)) (flags.const))

(component
  (type $f' (flags "f0" "f1" "f2" "f3" "f4" "f5" "f6" "f7" "f8" "f9" "f10" "f11" "f12" "f13" "f14" "f15" "f16" "f17"
    "f18" "f19" "f20" "f21" "f22" "f23" "f24" "f25" "f26" "f27" "f28" "f29" "f30" "f31"))
  (export $f "f" (type $f'))
  (core module $m (func (export "same") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  (func (export "same") (param "f" $f) (result $f) (canon lift (core func $i "same")))
  (func (export "bits") (param "f" $f) (result u32) (canon lift (core func $i "same"))))

(assert_return (invoke "same" (flags.const "f0" "f31")) (flags.const "f0" "f31"))
(assert_return (invoke "bits" (flags.const "f31")) (u32.const 2147483648))
