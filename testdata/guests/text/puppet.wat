;; A guest that does what the script in its batch says (see puppet.go): "BERTHPUP", u32 steps, and for each step u32
;; operation, u32 bits of arguments that are addresses, u32 checked, u32 wanted, 9 i64 arguments. The operations are the
;; imports, then grow, back, write, exit and answer.
{{ define "puppet-imports" }}
  {{- range $i, $f := .Imports }}
  (import "{{ $f.Module }}" "{{ $f.Name }}" (func $import{{ $i }}
    {{- range $f.Params | runes }} (param {{ $f.Type . }}){{ end }}{{ if $f.Returns }} (result i32){{ end }}))
  {{- end }}
{{ end }}

{{ define "puppet" }}
  (global $step (mut i32) (i32.const 0))
  (global $steps (mut i32) (i32.const 0))
  (global $script (mut i32) (i32.const 0))

  ;; The arguments of the step at hand lie at 2097000, what came back at 2097144.
  (func $fetch (param $at i32)
    (local $i i32)
    (loop $each
      (i64.store (i32.add (i32.const 2097000) (i32.shl (local.get $i) (i32.const 3)))
        (i64.load (i32.add (local.get $at) (i32.add (i32.const 16) (i32.shl (local.get $i) (i32.const 3))))))
      (if (i32.and (i32.shr_u (i32.load (i32.add (local.get $at) (i32.const 4))) (local.get $i)) (i32.const 1))
        (then
          (i64.store (i32.add (i32.const 2097000) (i32.shl (local.get $i) (i32.const 3)))
            (i64.load (i32.load (i32.add (i32.const 2097000) (i32.shl (local.get $i) (i32.const 3))))))))
      (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9)))))

  (func $back
    (local $count i32)
    (local.set $count (i32.load (i32.const 2097008)))
    (if (i32.eqz (local.get $count)) (then (return)))
    ;; its argument counts down where it stands
    (i32.store (i32.add (call $place (global.get $step)) (i32.const 24)) (i32.sub (local.get $count) (i32.const 1)))
    (global.set $step (i32.sub (i32.load (i32.const 2097000)) (i32.const 1))))

  (func $place (param $step i32) (result i32)
    (i32.add (global.get $script) (i32.add (i32.const 12) (i32.mul (local.get $step) (i32.const 88)))))

  (func $do (param $op i32)
    {{- $n := len .Imports }}
    (block $answer (block $exit (block $write (block $back (block $grow
    {{- range $i, $f := .Imports }}(block $b{{ add (add $n -1) (mul $i -1) }} {{ end }}
      (br_table {{ range $i, $f := .Imports }}$b{{ $i }} {{ end }} $grow $back $write $exit $answer (local.get $op))
    {{- range $i, $f := .Imports }}
    ) {{ if $f.Returns }}(i32.store (i32.const 0x1ffff8) {{ end }}(call $import{{ $i }}
      {{- range $k, $p := $f.Params | runes }} ({{ $f.Load $p }} (i32.const {{ add 2097000 (mul $k 8) }})){{ end }})
      {{- if $f.Returns }}){{ end }} (return)
    {{- end }}
    ) (i32.store (i32.const 0x1ffff8) (memory.grow (i32.load (i32.const 2097000)))) (return)
    ) (call $back) (return)
    ) (memory.copy (i32.load (i32.const 2097000)) (i32.const 2097008) (i32.const 64)) (return)
    ) (call $exit (i32.load (i32.const 2097000))) (return)
    ) (global.set $step (global.get $steps)))

  ;; $find looks for a script in the event; 0: there is none.
  (func $find (result i32)
    (local $at i32)
    (local.set $at (i32.const 65536))
    (loop $each
      (if (i64.eq (i64.load (local.get $at)) (i64.const 0x5055504854524542)) (then (return (local.get $at))))
      (br_if $each (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1)))
        (i32.add (i32.const 65536) (global.get $length)))))
    (i32.const 0))

  (func $bad
    (local $at i32)
    (global.set $script (call $find))
    (if (i32.eqz (global.get $script)) (then (return)))
    (memory.copy (i32.const 0x180000) (global.get $script) (i32.const 0x7e000)) ;; out of the way of events
    (global.set $script (i32.const 0x180000))
    (global.set $steps (i32.load (i32.add (global.get $script) (i32.const 8))))
    (global.set $step (i32.const 0))
    (loop $each
      (local.set $at (call $place (global.get $step)))
      (call $fetch (local.get $at))
      (call $do (i32.load (local.get $at)))
      (if (i32.and (i32.load (i32.add (local.get $at) (i32.const 8)))
            (i32.ne (i32.load (i32.add (local.get $at) (i32.const 12))) (i32.load (i32.const 0x1ffff8))))
        (then (call $exit (i32.add (i32.const 1000000) (i32.add (i32.mul (global.get $step) (i32.const 1000))
          (i32.rem_u (i32.load (i32.const 0x1ffff8)) (i32.const 1000)))))))
      (if (i32.gt_s (global.get $step) (i32.sub (global.get $steps) (i32.const 1))) (then (return))) ;; answer
      (global.set $step (i32.add (global.get $step) (i32.const 1)))
      (br_if $each (i32.lt_s (global.get $step) (global.get $steps))))
    unreachable)
{{ end }}
