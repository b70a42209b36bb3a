// The worker: the engine behind messages. One file without imports once it is built.

import { Engine } from './engine.js';
import { serve } from './rpc.js';

serve(self as unknown as Parameters<typeof serve>[0], new Engine());
