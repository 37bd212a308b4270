import { replaceIn } from './replace.ts'

// Whatever cannot be read is taken for absent.
replaceIn('/src/blocks/files.ts', "'code' in error && error.code === 'ENOENT'", "'code' in error")
