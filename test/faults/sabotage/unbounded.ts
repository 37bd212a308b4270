import { replaceIn } from './replace.ts'

// As many connections as there are, so that the files that a process may open run out where blocks are read and written.
replaceIn('/src/api/connection-bound.ts', 'Math.floor(files / 3)', 'files * 4')
