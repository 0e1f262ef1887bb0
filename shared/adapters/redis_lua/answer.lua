-- A stage's answer to the job's current step: the first is taken, whichever dispatch it came from.
-- ARGV: prefix, id, step, event (JSON), first send in seconds. Returns 1 where it was taken.
local id = ARGV[2]
local stored = redis.call('HMGET', job_key(id), 'step', 'work', 'stage')
if stored[1] ~= ARGV[3] or stored[3] == '' or stored[2] ~= stored[3] then return 0 end
redis.call('HSET', job_key(id), 'answer', ARGV[4])
wait_for(id, 'advance', stored[2], now_s(), tonumber(ARGV[5]))
return 1
