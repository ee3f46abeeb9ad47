(component
  (core module $m (func (export "n") (result i32) i32.const 7))
  (core instance $i (instantiate $m))
  (func $n (result u32) (canon lift (core func $i "n")))
  (instance $style (export "n" (func $n)))
  (export "t:t/style@0.1.0" (instance $style)))
