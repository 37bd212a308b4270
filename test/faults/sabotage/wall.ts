import { replaceIn } from './replace.ts'

// Ages go by the clock on the wall, whatever it says.
replaceIn('/src/daemon/age-clock.ts', 'if (ahead <= OFF)', 'if (ahead <= Infinity)')
