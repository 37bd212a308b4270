import type { CallKind } from '../shim/shim.ts'

/** Places by what the process asks of its disk there. A kill may come before the call or after it. */
type Places = Readonly<
  Record<string, { readonly calls: readonly CallKind[]; readonly path: string }>
>

/** In the life of a push. */
export const FAIL_POINTS: Places = {
  'the making of a block': { calls: ['create'], path: 'blocks/' },
  'the writing of a block': { calls: ['write'], path: 'blocks/' },
  'the sync of a block or its directory': { calls: ['sync'], path: 'blocks/' },
  'the renaming of a block': { calls: ['rename'], path: 'blocks/' },
  'the making of an upload': { calls: ['create'], path: 'uploads/' },
  'the writing of an upload’s log': { calls: ['write'], path: 'uploads/' },
  'the sync of an upload’s log': { calls: ['sync'], path: 'uploads/' },
  'the renaming of an upload’s log': { calls: ['rename'], path: 'uploads/' },
  'the removal of an upload': { calls: ['unlink'], path: 'uploads/' },
  'the writing of a commit': { calls: ['write'], path: 'state/' },
  'the sync of a commit': { calls: ['sync'], path: 'state/' },
  'the publishing of a root': { calls: ['write'], path: 'datastore/' },
}

/** In a collection that nobody pushes beside: it forgets commits, takes marks away, and deletes small blocks and large ones. */
export const COLLECTION_POINTS: Places = {
  'what a collection writes': { calls: ['write'], path: 'state/' },
  'a sync of a collection': { calls: ['sync'], path: 'state/' },
  'the removal of a block': { calls: ['unlink'], path: 'blocks/' },
}
