-- Nothing is left to do for a job that has ended. ARGV: prefix, id. Returns 1 where that is so now.
local id = ARGV[2]
local stored = redis.call('HMGET', job_key(id), 'ended', 'work')
if stored[1] ~= '1' then return 0 end
unqueue(id, stored[2])
redis.call('ZREM', key('due'), id)
return 1
