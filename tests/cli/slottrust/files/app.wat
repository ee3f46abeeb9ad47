(component
  (import "t:t/style@0.1.0" (instance $style (export "n" (func (result u32)))))
  (core func $n (canon lower (func $style "n")))
  (core module $m
    (import "host" "n" (func $n (result i32)))
    (func (export "f") (result i32) call $n))
  (core instance $i (instantiate $m (with "host" (instance (export "n" (func $n))))))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
