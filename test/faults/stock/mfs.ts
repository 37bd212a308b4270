import { redirect } from './redirect.ts'

// The tree is changed, and its root is kept, by @helia/mfs; as many at once as there are.
redirect('/src/daemon/storage.ts', 'storage-place.ts')
redirect('/src/tree/lane.ts', 'mfs-lane.ts')
