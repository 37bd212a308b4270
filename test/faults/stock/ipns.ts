import { redirect } from './redirect.ts'

// Our root is published by @helia/ipns.
redirect('/src/daemon/storage.ts', 'storage-place.ts')
redirect('/src/naming/publisher.ts', 'ipns-publisher.ts')
