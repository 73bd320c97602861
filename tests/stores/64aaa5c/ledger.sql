BEGIN TRANSACTION;
CREATE TABLE accounts (
        account TEXT PRIMARY KEY, spent BIGINT NOT NULL, held BIGINT NOT NULL) WITHOUT ROWID;
INSERT INTO "accounts" VALUES('day/2026-11-29',180236,1316208);
INSERT INTO "accounts" VALUES('month/2026-11',180236,1316208);
INSERT INTO "accounts" VALUES('person/telegram%3A1001/2026-11',180236,1316208);
INSERT INTO "accounts" VALUES('person/telegram%3A1001/2026-11-29',180236,1316208);
INSERT INTO "accounts" VALUES('run/01a22993-5c48-71c9-a27b-0838614f97e7',51914,0);
INSERT INTO "accounts" VALUES('run/01a22993-6be8-714c-944c-c8c1b9dde07f',20748,0);
INSERT INTO "accounts" VALUES('run/01a22993-73b8-7c49-aee1-ddc2b17152c6',0,0);
INSERT INTO "accounts" VALUES('run/01a22993-8358-7aa1-a77c-39769990c1e3',9052,0);
INSERT INTO "accounts" VALUES('run/01a22993-8b28-7f81-8824-6556c3b1f8f9',23304,0);
INSERT INTO "accounts" VALUES('run/01a22993-96e0-7b51-b13f-cee941a1905c',51914,0);
INSERT INTO "accounts" VALUES('run/01a22993-9eb0-7e7a-b8c8-30d85cae8d2e',0,1316208);
INSERT INTO "accounts" VALUES('run/01a22993-a298-77b2-84a2-34297db94bdf',23304,0);
INSERT INTO "accounts" VALUES('task/01a22993-5c48-7c88-b8f9-62c67841fad0',51914,0);
INSERT INTO "accounts" VALUES('task/01a22993-6be8-7025-92fd-f0a185589334',20748,0);
INSERT INTO "accounts" VALUES('task/01a22993-73b8-7f87-9071-a55858e45e60',0,0);
INSERT INTO "accounts" VALUES('task/01a22993-8358-7cfd-94e5-39583a97944d',9052,0);
INSERT INTO "accounts" VALUES('task/01a22993-8b28-76a0-97ec-6a54b8e06ecd',23304,0);
INSERT INTO "accounts" VALUES('task/01a22993-96e0-7d12-bed6-c5ab29a79488',51914,0);
INSERT INTO "accounts" VALUES('task/01a22993-9eb0-72fd-a06d-e68ad501e960',0,1316208);
INSERT INTO "accounts" VALUES('task/01a22993-a298-79fc-8d75-12ad023949d1',23304,0);
CREATE TABLE breakers (
        provider TEXT NOT NULL, worker TEXT NOT NULL, state TEXT NOT NULL, until DOUBLE PRECISION NOT NULL,
        reason TEXT NOT NULL, PRIMARY KEY (provider, worker));
CREATE TABLE calls (
        id INTEGER PRIMARY KEY AUTOINCREMENT, 
    at DOUBLE PRECISION NOT NULL,
    run TEXT NOT NULL, task TEXT NOT NULL, attempt INTEGER NOT NULL, person TEXT NOT NULL, role TEXT NOT NULL,
    client TEXT NOT NULL, session TEXT NOT NULL, route TEXT NOT NULL, asked TEXT NOT NULL,
    provider TEXT NOT NULL, model TEXT NOT NULL,
 input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, cache_read_tokens BIGINT NOT NULL, cache_write_tokens BIGINT NOT NULL, cache_write_1h_tokens BIGINT NOT NULL, web_searches BIGINT NOT NULL, micro_dollars BIGINT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL, first_seconds DOUBLE PRECISION, status INTEGER NOT NULL,
        outcome TEXT NOT NULL, streamed INTEGER NOT NULL, tried TEXT NOT NULL, fallbacks INTEGER NOT NULL,
        reason TEXT NOT NULL);
INSERT INTO "calls" VALUES(1,1.79599385526871967318e+09,'01a22993-5c48-71c9-a27b-0838614f97e7','01a22993-5c48-7c88-b8f9-62c67841fad0',1,'telegram:1001','pr_reviewer','','23dd948e-9751-4b76-be58-fb33354eb9ab','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',4526,91,0,0,0,0,9962,9.8550319671630859375e-03,9.5713138580322265625e-03,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(2,1.79599385539189243315e+09,'01a22993-5c48-71c9-a27b-0838614f97e7','01a22993-5c48-7c88-b8f9-62c67841fad0',1,'telegram:1001','pr_reviewer','','23dd948e-9751-4b76-be58-fb33354eb9ab','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',4747,171,0,0,0,0,11204,7.9982280731201171875e-03,3.6733150482177734375e-03,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(3,1.79599385554086589814e+09,'01a22993-5c48-71c9-a27b-0838614f97e7','01a22993-5c48-7c88-b8f9-62c67841fad0',1,'telegram:1001','pr_reviewer','','23dd948e-9751-4b76-be58-fb33354eb9ab','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',6534,1768,0,0,0,0,30748,2.5845050811767578125e-02,0.0251619815826416,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(4,1.79599385859853959081e+09,'01a22993-6be8-714c-944c-c8c1b9dde07f','01a22993-6be8-7025-92fd-f0a185589334',1,'telegram:1001','pr_reviewer','','93de06f0-dbc5-481c-9497-9f59aff66bbe','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',3054,52,0,0,0,0,6628,0.00372314453125,2.97260284423828125e-03,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(5,1.79599385865757822993e+09,'01a22993-6be8-714c-944c-c8c1b9dde07f','01a22993-6be8-7025-92fd-f0a185589334',1,'telegram:1001','pr_reviewer','','93de06f0-dbc5-481c-9497-9f59aff66bbe','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',3198,52,0,0,0,0,6916,1.20065212249755859375e-02,1.1949062347412109375e-02,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(6,1.79599385869672489163e+09,'01a22993-6be8-714c-944c-c8c1b9dde07f','01a22993-6be8-7025-92fd-f0a185589334',1,'telegram:1001','pr_reviewer','','93de06f0-dbc5-481c-9497-9f59aff66bbe','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',3342,52,0,0,0,0,7204,5.90229034423828125e-03,0.00574040412902832,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(7,1.79599386090156245233e+09,'01a22993-73b8-7c49-aee1-ddc2b17152c6','01a22993-73b8-7f87-9071-a55858e45e60',1,'telegram:1001','pr_reviewer','','a84bb39f-0f5d-4650-8800-8b13363356f5','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,9.03987884521484375e-03,8.9805126190185546875e-03,400,'error',0,'',0,'invalid_request_error');
INSERT INTO "calls" VALUES(8,1.79599386094007611278e+09,'01a22993-73b8-7c49-aee1-ddc2b17152c6','01a22993-73b8-7f87-9071-a55858e45e60',1,'telegram:1001','pr_reviewer','','a84bb39f-0f5d-4650-8800-8b13363356f5','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,5.424976348876953125e-03,5.383968353271484375e-03,400,'error',0,'',0,'invalid_request_error');
INSERT INTO "calls" VALUES(9,1.79599386097537469866e+09,'01a22993-73b8-7c49-aee1-ddc2b17152c6','01a22993-73b8-7f87-9071-a55858e45e60',1,'telegram:1001','pr_reviewer','','a84bb39f-0f5d-4650-8800-8b13363356f5','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,3.7047863006591796875e-03,3.6680698394775390625e-03,400,'error',0,'',0,'invalid_request_error');
INSERT INTO "calls" VALUES(10,1.79599386099060797693e+09,'01a22993-73b8-7c49-aee1-ddc2b17152c6','01a22993-73b8-7f87-9071-a55858e45e60',1,'telegram:1001','pr_reviewer','','a84bb39f-0f5d-4650-8800-8b13363356f5','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,4.8115253448486328125e-03,4.7748088836669921875e-03,400,'error',0,'',0,'invalid_request_error');
INSERT INTO "calls" VALUES(11,1.79599386100092530248e+09,'01a22993-73b8-7c49-aee1-ddc2b17152c6','01a22993-73b8-7f87-9071-a55858e45e60',1,'telegram:1001','pr_reviewer','','a84bb39f-0f5d-4650-8800-8b13363356f5','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,3.0529499053955078125e-03,2.98595428466796875e-03,400,'error',0,'',0,'invalid_request_error');
INSERT INTO "calls" VALUES(12,1.79599386102588748932e+09,'01a22993-73b8-7c49-aee1-ddc2b17152c6','01a22993-73b8-7f87-9071-a55858e45e60',1,'telegram:1001','pr_reviewer','','a84bb39f-0f5d-4650-8800-8b13363356f5','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,4.6427249908447265625e-03,4.605770111083984375e-03,400,'error',0,'',0,'invalid_request_error');
INSERT INTO "calls" VALUES(13,1.79599386442610216146e+09,'01a22993-8358-7aa1-a77c-39769990c1e3','01a22993-8358-7cfd-94e5-39583a97944d',1,'telegram:1001','pr_reviewer','','ade326fe-17fa-442a-80b3-8cd7cbf605ae','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',4526,0,0,0,0,0,9052,5.7763576507568359375e-02,NULL,499,'aborted',0,'',0,'');
INSERT INTO "calls" VALUES(14,1795993866.36894,'01a22993-8b28-7f81-8824-6556c3b1f8f9','01a22993-8b28-76a0-97ec-6a54b8e06ecd',1,'telegram:1001','pr_reviewer','','b02f8a39-3567-4427-b553-5fb3b3813b3d','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',3124,91,0,0,0,0,7158,2.448558807373046875e-03,0.00235748291015625,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(15,1.79599386650017023084e+09,'01a22993-8b28-7f81-8824-6556c3b1f8f9','01a22993-8b28-76a0-97ec-6a54b8e06ecd',1,'telegram:1001','pr_reviewer','','b02f8a39-3567-4427-b553-5fb3b3813b3d','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',3306,43,0,0,0,0,7042,3.08895111083984375e-03,3.0286312103271484375e-03,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(16,1.79599386657980346674e+09,'01a22993-8b28-7f81-8824-6556c3b1f8f9','01a22993-8b28-76a0-97ec-6a54b8e06ecd',1,'telegram:1001','pr_reviewer','','b02f8a39-3567-4427-b553-5fb3b3813b3d','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',3462,218,0,0,0,0,9104,3.94344329833984375e-03,3.89957427978515625e-03,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(17,1.79599386858510875705e+09,'01a22993-96e0-7b51-b13f-cee941a1905c','01a22993-96e0-7d12-bed6-c5ab29a79488',1,'telegram:1001','pr_reviewer','','eea984dc-fc3f-4c09-b0a0-f72545daeea8','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',4526,91,0,0,0,0,9962,3.24535369873046875e-03,3.1630992889404296875e-03,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(18,1.79599386869997262958e+09,'01a22993-96e0-7b51-b13f-cee941a1905c','01a22993-96e0-7d12-bed6-c5ab29a79488',1,'telegram:1001','pr_reviewer','','eea984dc-fc3f-4c09-b0a0-f72545daeea8','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',4747,171,0,0,0,0,11204,4.1120052337646484375e-03,4.054546356201171875e-03,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(19,1.79599386880192852015e+09,'01a22993-96e0-7b51-b13f-cee941a1905c','01a22993-96e0-7d12-bed6-c5ab29a79488',1,'telegram:1001','pr_reviewer','','eea984dc-fc3f-4c09-b0a0-f72545daeea8','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',6534,1768,0,0,0,0,30748,1.02024078369140625e-02,1.014804840087890625e-02,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(20,1.79599387223626828194e+09,'01a22993-a298-77b2-84a2-34297db94bdf','01a22993-a298-79fc-8d75-12ad023949d1',1,'telegram:1001','pr_reviewer','','2a2882a1-2c29-4059-af67-15caf17a4e95','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',3124,91,0,0,0,0,7158,2.39531993865966796875e-02,2.36995220184326171875e-02,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(21,1.79599387238142728807e+09,'01a22993-a298-77b2-84a2-34297db94bdf','01a22993-a298-79fc-8d75-12ad023949d1',1,'telegram:1001','pr_reviewer','','2a2882a1-2c29-4059-af67-15caf17a4e95','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',3306,43,0,0,0,0,7042,0.0032958984375,2.599239349365234375e-03,200,'ok',1,'',0,'');
INSERT INTO "calls" VALUES(22,1.79599387243666791915e+09,'01a22993-a298-77b2-84a2-34297db94bdf','01a22993-a298-79fc-8d75-12ad023949d1',1,'telegram:1001','pr_reviewer','','2a2882a1-2c29-4059-af67-15caf17a4e95','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',3462,218,0,0,0,0,9104,4.4574737548828125e-03,4.4023990631103515625e-03,200,'ok',1,'',0,'');
CREATE TABLE client_keys (
        name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, made DOUBLE PRECISION NOT NULL,
        expires DOUBLE PRECISION, revoked DOUBLE PRECISION,
        total_micro BIGINT, day_micro BIGINT, month_micro BIGINT);
INSERT INTO "client_keys" VALUES('laptop','e0259415d398195bd852598a101f61270207b12949c55b57a0fc6a5a925efb56',1.79599385391591143609e+09,NULL,NULL,NULL,5000000,NULL);
CREATE TABLE holds (
        id INTEGER PRIMARY KEY AUTOINCREMENT, worker TEXT NOT NULL, accounts TEXT NOT NULL, 
    at DOUBLE PRECISION NOT NULL,
    run TEXT NOT NULL, task TEXT NOT NULL, attempt INTEGER NOT NULL, person TEXT NOT NULL, role TEXT NOT NULL,
    client TEXT NOT NULL, session TEXT NOT NULL, route TEXT NOT NULL, asked TEXT NOT NULL,
    provider TEXT NOT NULL, model TEXT NOT NULL,

        held BIGINT NOT NULL, least BIGINT NOT NULL, least_input BIGINT NOT NULL);
INSERT INTO "holds" VALUES(20,'vm:9568','day/2026-11-29
month/2026-11
person/telegram%3A1001/2026-11
person/telegram%3A1001/2026-11-29
run/01a22993-9eb0-7e7a-b8c8-30d85cae8d2e
task/01a22993-9eb0-72fd-a06d-e68ad501e960',1.79599387148936057091e+09,'01a22993-9eb0-7e7a-b8c8-30d85cae8d2e','01a22993-9eb0-72fd-a06d-e68ad501e960',1,'telegram:1001','pr_reviewer','','fe2522ce-6863-4871-9bba-de8a0d34b6c2','sonnet','claude-sonnet-5-5','anthropic','claude-sonnet-5-5',1316208,9052,4526);
CREATE TABLE hours (
        hour BIGINT NOT NULL, route TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, role TEXT NOT NULL,
        outcome TEXT NOT NULL, calls BIGINT NOT NULL, input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, cache_read_tokens BIGINT NOT NULL, cache_write_tokens BIGINT NOT NULL, cache_write_1h_tokens BIGINT NOT NULL, web_searches BIGINT NOT NULL, micro_dollars BIGINT NOT NULL, fallbacks BIGINT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL, first_seconds DOUBLE PRECISION NOT NULL,
        within_1 BIGINT NOT NULL, within_2 BIGINT NOT NULL, within_5 BIGINT NOT NULL, within_10 BIGINT NOT NULL, within_30 BIGINT NOT NULL, within_60 BIGINT NOT NULL, within_120 BIGINT NOT NULL, within_300 BIGINT NOT NULL,
        PRIMARY KEY (hour, route, provider, model, role, outcome));
INSERT INTO "hours" VALUES(498887,'sonnet','anthropic','claude-sonnet-5-5','pr_reviewer','ok',15,60992,4920,0,0,0,0,171184,0,1.24077558517456054687e-01,1.16421222686767578125e-01,15,15,15,15,15,15,15,15);
INSERT INTO "hours" VALUES(498887,'sonnet','anthropic','claude-sonnet-5-5','pr_reviewer','error',6,0,0,0,0,0,0,0,0,3.067684173583984375e-02,3.03990840911865234375e-02,6,6,6,6,6,6,6,6);
INSERT INTO "hours" VALUES(498887,'sonnet','anthropic','claude-sonnet-5-5','pr_reviewer','aborted',1,4526,0,0,0,0,0,9052,0,5.7763576507568359375e-02,0.0,1,1,1,1,1,1,1,1);
CREATE TABLE ledger_version (version INTEGER NOT NULL);
INSERT INTO "ledger_version" VALUES(1);
CREATE TABLE workers (worker TEXT PRIMARY KEY, seen DOUBLE PRECISION NOT NULL);
INSERT INTO "workers" VALUES('vm:9567',1.79599387151463365554e+09);
INSERT INTO "workers" VALUES('vm:9568',1795993871.62595);
CREATE INDEX calls_of_run ON calls (run);
CREATE INDEX calls_by_time ON calls (at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('holds',23);
INSERT INTO "sqlite_sequence" VALUES('calls',22);
COMMIT;
