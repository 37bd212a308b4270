import { redirect } from './redirect.ts'
import { settings } from './settings.ts'
import './blockstore-fs.ts'
import './mfs-locked.ts'

// A registry as one would build it of Helia's parts: all blocks in blockstore-fs, and MFS for reading paths too.
settings.allAreFiles = true
redirect('/src/tree/view.ts', 'mfs-view.ts')
