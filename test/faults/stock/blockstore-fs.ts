import { redirect } from './redirect.ts'

// Blocks that are files are blockstore-fs's.
redirect('/src/blocks/disk-block-store.ts', 'fs-blocks.ts')
