import { redirect } from './redirect.ts'

// The state database is LevelDB as it comes.
redirect('/src/blocks/state-db.ts', 'plain-level.ts')
