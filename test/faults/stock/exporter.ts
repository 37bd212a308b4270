import { redirect } from './redirect.ts'

// Files are read by the exporter of @helia/unixfs, from blocks that nobody has compared with their hash, as in Helia.
redirect('/src/blocks/file-reader.ts', 'exported-files.ts')
redirect('/src/blocks/disk-block-store.ts', 'unchecked-blocks.ts')
