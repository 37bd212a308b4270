import { settings } from './settings.ts'
import './mfs.ts'

// One change at a time, so that what is found is not only that it has no lock.
settings.oneAtATime = true
