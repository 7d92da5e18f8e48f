// Numbers that the whole design shares.
`ifndef CONFIG_VH
`define CONFIG_VH

`define CLOCK_HZ      12_000_000
`define DEBOUNCE_HZ   100
`define PWM_BITS      8

`endif
