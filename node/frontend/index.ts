/** The admin UI: `main.ts` serves it. Its sessions are here for whoever has to make one as it was long ago. */
export { createSessions } from './app/session/session.ts'
