BEGIN TRANSACTION;
CREATE TABLE application_versions (
    version_id TEXT NOT NULL PRIMARY KEY,
    version_name TEXT NOT NULL UNIQUE,
    version_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL);
INSERT INTO "application_versions" VALUES('022158bb-ad67-4a9d-b2e1-bf06ccf61f99','1',1795993851000,1795993851000,'claude-stack');
CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "dbos_migrations" VALUES(125);
CREATE TABLE notifications (
    message_uuid TEXT NOT NULL DEFAULT (hex(randomblob(16))) PRIMARY KEY,
    destination_uuid TEXT NOT NULL,
    topic TEXT,
    message TEXT NOT NULL,
    created_at_epoch_ms INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000), "serialization" TEXT DEFAULT NULL, "consumed" BOOLEAN NOT NULL DEFAULT FALSE, consumed_by_function_id INTEGER,
    FOREIGN KEY (destination_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE "operation_outputs" (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    function_name TEXT NOT NULL DEFAULT '',
    output TEXT,
    error TEXT,
    child_workflow_id TEXT,
    started_at_epoch_ms INTEGER,
    completed_at_epoch_ms INTEGER,
    serialization TEXT,
    application_name TEXT DEFAULT NULL,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    PRIMARY KEY (workflow_uuid, function_id)
);
INSERT INTO "operation_outputs" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7',1,'begin','gASV+wAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtNWM0OC03MWM5LWEyN2ItMDgzODYxNGY5N2U3lIwCYXSUjBsyMDI2LTExLTI5VDIzOjEwOjUzLjk5Mjg3N1qUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSwN1jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMCWFjbWUvc2hvcJSMBm51bWJlcpRLDIwIYXBwcm92YWyUiXV1Lg==',NULL,NULL,1795993854004,1795993854008,'py_pickle','claude-stack',1795993854000);
INSERT INTO "operation_outputs" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993854010,1795993854018,'py_pickle','claude-stack',1795993854000);
INSERT INTO "operation_outputs" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7',3,'receive fetch','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993854020,1795993854087,'py_pickle','claude-stack',1795993854000);
INSERT INTO "operation_outputs" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7',4,'dispatch review','gAROLg==',NULL,NULL,1795993854091,1795993854103,'py_pickle','claude-stack',1795993854000);
INSERT INTO "operation_outputs" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7',5,'receive review','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993854111,1795993855689,'py_pickle','claude-stack',1795993855000);
INSERT INTO "operation_outputs" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7',6,'dispatch post','gAROLg==',NULL,NULL,1795993855691,1795993855697,'py_pickle','claude-stack',1795993855000);
INSERT INTO "operation_outputs" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7',7,'receive post','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993855702,1795993855724,'py_pickle','claude-stack',1795993855000);
INSERT INTO "operation_outputs" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7',8,'finish','gAROLg==',NULL,NULL,1795993855727,1795993855744,'py_pickle','claude-stack',1795993855000);
INSERT INTO "operation_outputs" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f',1,'begin','gASV/QAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtNmJlOC03MTRjLTk0NGMtYzhjMWI5ZGRlMDdmlIwCYXSUjBsyMDI2LTExLTI5VDIzOjEwOjU3LjE2MjE0MFqUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSwZ1jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMC2FjbWUvdGFibGVzlIwGbnVtYmVylEsBjAhhcHByb3ZhbJSJdXUu',NULL,NULL,1795993857170,1795993857173,'py_pickle','claude-stack',1795993857000);
INSERT INTO "operation_outputs" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993857174,1795993857179,'py_pickle','claude-stack',1795993857000);
INSERT INTO "operation_outputs" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f',3,'receive fetch','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993857181,1795993857261,'py_pickle','claude-stack',1795993857000);
INSERT INTO "operation_outputs" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f',4,'dispatch review','gAROLg==',NULL,NULL,1795993857265,1795993857275,'py_pickle','claude-stack',1795993857000);
INSERT INTO "operation_outputs" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f',5,'receive review','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993857279,1795993858790,'py_pickle','claude-stack',1795993858000);
INSERT INTO "operation_outputs" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f',6,'dispatch post','gAROLg==',NULL,NULL,1795993858792,1795993858800,'py_pickle','claude-stack',1795993858000);
INSERT INTO "operation_outputs" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f',7,'receive post','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993858802,1795993858820,'py_pickle','claude-stack',1795993858000);
INSERT INTO "operation_outputs" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f',8,'finish','gAROLg==',NULL,NULL,1795993858821,1795993858836,'py_pickle','claude-stack',1795993858000);
INSERT INTO "operation_outputs" VALUES('01a22993-73b8-7c49-aee1-ddc2b17152c6',1,'begin','gASV+wAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtNzNiOC03YzQ5LWFlZTEtZGRjMmIxNzE1MmM2lIwCYXSUjBsyMDI2LTExLTI5VDIzOjEwOjU5LjkxNTQzM1qUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSwl1jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMCWFjbWUvc2hvcJSMBm51bWJlcpRLDIwIYXBwcm92YWyUiXV1Lg==',NULL,NULL,1795993859929,1795993859933,'py_pickle','claude-stack',1795993859000);
INSERT INTO "operation_outputs" VALUES('01a22993-73b8-7c49-aee1-ddc2b17152c6',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993859936,1795993859943,'py_pickle','claude-stack',1795993859000);
INSERT INTO "operation_outputs" VALUES('01a22993-73b8-7c49-aee1-ddc2b17152c6',3,'receive fetch','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993859946,1795993859956,'py_pickle','claude-stack',1795993859000);
INSERT INTO "operation_outputs" VALUES('01a22993-73b8-7c49-aee1-ddc2b17152c6',4,'dispatch review','gAROLg==',NULL,NULL,1795993859958,1795993859973,'py_pickle','claude-stack',1795993859000);
INSERT INTO "operation_outputs" VALUES('01a22993-73b8-7c49-aee1-ddc2b17152c6',5,'receive review','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993859975,1795993861143,'py_pickle','claude-stack',1795993861000);
INSERT INTO "operation_outputs" VALUES('01a22993-73b8-7c49-aee1-ddc2b17152c6',6,'finish','gAROLg==',NULL,NULL,1795993861145,1795993861161,'py_pickle','claude-stack',1795993861000);
INSERT INTO "operation_outputs" VALUES('01a22993-7f70-73f1-b432-5b31df43bff1',1,'begin','gASVAAEAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtN2Y3MC03M2YxLWI0MzItNWIzMWRmNDNiZmYxlIwCYXSUjBsyMDI2LTExLTI5VDIzOjExOjAyLjQ4MTM2NFqUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSwx1jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMDmFjbWUvbm90LXRoZXJllIwGbnVtYmVylEsBjAhhcHByb3ZhbJSJdXUu',NULL,NULL,1795993862492,1795993862496,'py_pickle','claude-stack',1795993862000);
INSERT INTO "operation_outputs" VALUES('01a22993-7f70-73f1-b432-5b31df43bff1',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993862498,1795993862508,'py_pickle','claude-stack',1795993862000);
INSERT INTO "operation_outputs" VALUES('01a22993-7f70-73f1-b432-5b31df43bff1',3,'receive fetch','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993862513,1795993862520,'py_pickle','claude-stack',1795993862000);
INSERT INTO "operation_outputs" VALUES('01a22993-7f70-73f1-b432-5b31df43bff1',4,'finish','gAROLg==',NULL,NULL,1795993862522,1795993862551,'py_pickle','claude-stack',1795993862000);
INSERT INTO "operation_outputs" VALUES('01a22993-8358-7aa1-a77c-39769990c1e3',1,'begin','gASV+wAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtODM1OC03YWExLWE3N2MtMzk3Njk5OTBjMWUzlIwCYXSUjBsyMDI2LTExLTI5VDIzOjExOjAzLjg1OTc3MFqUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSw91jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMCWFjbWUvc2hvcJSMBm51bWJlcpRLDIwIYXBwcm92YWyUiXV1Lg==',NULL,NULL,1795993863868,1795993863871,'py_pickle','claude-stack',1795993863000);
INSERT INTO "operation_outputs" VALUES('01a22993-8358-7aa1-a77c-39769990c1e3',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993863873,1795993863880,'py_pickle','claude-stack',1795993863000);
INSERT INTO "operation_outputs" VALUES('01a22993-8358-7aa1-a77c-39769990c1e3',3,'receive fetch','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993863883,1795993863889,'py_pickle','claude-stack',1795993863000);
INSERT INTO "operation_outputs" VALUES('01a22993-8358-7aa1-a77c-39769990c1e3',4,'dispatch review','gAROLg==',NULL,NULL,1795993863891,1795993863897,'py_pickle','claude-stack',1795993863000);
INSERT INTO "operation_outputs" VALUES('01a22993-8358-7aa1-a77c-39769990c1e3',5,'receive review','gASVDQAAAAAAAACMCWNhbmNlbGxlZJQu',NULL,NULL,1795993863900,1795993864450,'py_pickle','claude-stack',1795993864000);
INSERT INTO "operation_outputs" VALUES('01a22993-8358-7aa1-a77c-39769990c1e3',6,'finish','gAROLg==',NULL,NULL,1795993864453,1795993864531,'py_pickle','claude-stack',1795993864000);
INSERT INTO "operation_outputs" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9',1,'begin','gASV/AAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtOGIyOC03ZjgxLTg4MjQtNjU1NmMzYjFmOGY5lIwCYXSUjBsyMDI2LTExLTI5VDIzOjExOjA1LjcyOTkwOVqUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSxR1jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMCmFjbWUvc21hbGyUjAZudW1iZXKUSwGMCGFwcHJvdmFslIh1dS4=',NULL,NULL,1795993865739,1795993865742,'py_pickle','claude-stack',1795993865000);
INSERT INTO "operation_outputs" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993865743,1795993865753,'py_pickle','claude-stack',1795993865000);
INSERT INTO "operation_outputs" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9',3,'receive fetch','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993865758,1795993865823,'py_pickle','claude-stack',1795993865000);
INSERT INTO "operation_outputs" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9',4,'dispatch review','gAROLg==',NULL,NULL,1795993865827,1795993865846,'py_pickle','claude-stack',1795993865000);
INSERT INTO "operation_outputs" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9',5,'receive review','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993865851,1795993866703,'py_pickle','claude-stack',1795993866000);
INSERT INTO "operation_outputs" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9',6,'ask post','gAROLg==',NULL,NULL,1795993866706,1795993866713,'py_pickle','claude-stack',1795993866000);
INSERT INTO "operation_outputs" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9',7,'answer post','gASVCwAAAAAAAACMB0Rpc2NhcmSULg==',NULL,NULL,1795993866715,1795993866772,'py_pickle','claude-stack',1795993866000);
INSERT INTO "operation_outputs" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9',8,'resume post','gAROLg==',NULL,NULL,1795993866774,1795993866777,'py_pickle','claude-stack',1795993866000);
INSERT INTO "operation_outputs" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9',9,'finish','gAROLg==',NULL,NULL,1795993866779,1795993866801,'py_pickle','claude-stack',1795993866000);
INSERT INTO "operation_outputs" VALUES('01a22993-96e0-7b51-b13f-cee941a1905c',1,'begin','gASV+wAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtOTZlMC03YjUxLWIxM2YtY2VlOTQxYTE5MDVjlIwCYXSUjBsyMDI2LTExLTI5VDIzOjExOjA4LjE1NjA5N1qUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSxh1jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMCWFjbWUvc2hvcJSMBm51bWJlcpRLDIwIYXBwcm92YWyUiHV1Lg==',NULL,NULL,1795993868165,1795993868167,'py_pickle','claude-stack',1795993868000);
INSERT INTO "operation_outputs" VALUES('01a22993-96e0-7b51-b13f-cee941a1905c',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993868170,1795993868176,'py_pickle','claude-stack',1795993868000);
INSERT INTO "operation_outputs" VALUES('01a22993-96e0-7b51-b13f-cee941a1905c',3,'receive fetch','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993868178,1795993868187,'py_pickle','claude-stack',1795993868000);
INSERT INTO "operation_outputs" VALUES('01a22993-96e0-7b51-b13f-cee941a1905c',4,'dispatch review','gAROLg==',NULL,NULL,1795993868188,1795993868195,'py_pickle','claude-stack',1795993868000);
INSERT INTO "operation_outputs" VALUES('01a22993-96e0-7b51-b13f-cee941a1905c',5,'receive review','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993868199,1795993868905,'py_pickle','claude-stack',1795993868000);
INSERT INTO "operation_outputs" VALUES('01a22993-96e0-7b51-b13f-cee941a1905c',6,'ask post','gAROLg==',NULL,NULL,1795993868909,1795993868918,'py_pickle','claude-stack',1795993868000);
INSERT INTO "operation_outputs" VALUES('01a22993-9eb0-7e7a-b8c8-30d85cae8d2e',1,'begin','gASV+wAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtOWViMC03ZTdhLWI4YzgtMzBkODVjYWU4ZDJllIwCYXSUjBsyMDI2LTExLTI5VDIzOjExOjEwLjk3MTQwOFqUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSxt1jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMCWFjbWUvc2hvcJSMBm51bWJlcpRLDIwIYXBwcm92YWyUiXV1Lg==',NULL,NULL,1795993870980,1795993870984,'py_pickle','claude-stack',1795993870000);
INSERT INTO "operation_outputs" VALUES('01a22993-9eb0-7e7a-b8c8-30d85cae8d2e',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993870986,1795993870994,'py_pickle','claude-stack',1795993870000);
INSERT INTO "operation_outputs" VALUES('01a22993-9eb0-7e7a-b8c8-30d85cae8d2e',3,'receive fetch','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993870996,1795993871010,'py_pickle','claude-stack',1795993871000);
INSERT INTO "operation_outputs" VALUES('01a22993-9eb0-7e7a-b8c8-30d85cae8d2e',4,'dispatch review','gAROLg==',NULL,NULL,1795993871012,1795993871019,'py_pickle','claude-stack',1795993871000);
INSERT INTO "operation_outputs" VALUES('01a22993-a298-77b2-84a2-34297db94bdf',1,'begin','gASV/AAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtYTI5OC03N2IyLTg0YTItMzQyOTdkYjk0YmRmlIwCYXSUjBsyMDI2LTExLTI5VDIzOjExOjExLjU1MzcyMFqUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSx11jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMCmFjbWUvc21hbGyUjAZudW1iZXKUSwGMCGFwcHJvdmFslIl1dS4=',NULL,NULL,1795993871563,1795993871567,'py_pickle','claude-stack',1795993871000);
INSERT INTO "operation_outputs" VALUES('01a22993-a298-77b2-84a2-34297db94bdf',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993871569,1795993871576,'py_pickle','claude-stack',1795993871000);
INSERT INTO "operation_outputs" VALUES('01a22993-a298-77b2-84a2-34297db94bdf',3,'receive fetch','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993871579,1795993871583,'py_pickle','claude-stack',1795993871000);
INSERT INTO "operation_outputs" VALUES('01a22993-a298-77b2-84a2-34297db94bdf',4,'dispatch review','gAROLg==',NULL,NULL,1795993871586,1795993871592,'py_pickle','claude-stack',1795993871000);
INSERT INTO "operation_outputs" VALUES('01a22993-a298-77b2-84a2-34297db94bdf',5,'receive review','gASVCgAAAAAAAACMBnJlc3VsdJQu',NULL,NULL,1795993871594,1795993872546,'py_pickle','claude-stack',1795993872000);
INSERT INTO "operation_outputs" VALUES('01a22993-a298-77b2-84a2-34297db94bdf',6,'dispatch post','gAROLg==',NULL,NULL,1795993872548,1795993872552,'py_pickle','claude-stack',1795993872000);
INSERT INTO "operation_outputs" VALUES('01a22993-a680-7f80-b689-a2c57a8116cb',1,'begin','gASV+wAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtYTY4MC03ZjgwLWI2ODktYTJjNTdhODExNmNilIwCYXSUjBsyMDI2LTExLTI5VDIzOjExOjEyLjU3MjcyNFqUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSx91jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMCWFjbWUvc2hvcJSMBm51bWJlcpRLDIwIYXBwcm92YWyUiXV1Lg==',NULL,NULL,1795993872581,1795993872585,'py_pickle','claude-stack',1795993872000);
INSERT INTO "operation_outputs" VALUES('01a22993-a680-7f80-b689-a2c57a8116cb',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993872587,1795993872592,'py_pickle','claude-stack',1795993872000);
INSERT INTO "operation_outputs" VALUES('01a22993-a680-7b02-8292-57402347b56a',1,'begin','gASV+wAAAAAAAAB9lCiMB3ZlcnNpb26USwGMAmlklIwkMDFhMjI5OTMtYTY4MC03YjAyLTgyOTItNTc0MDIzNDdiNTZhlIwCYXSUjBsyMDI2LTExLTI5VDIzOjExOjEyLjYzMTcwN1qUjAR0eXBllIwHcmVxdWVzdJSMBnBlcnNvbpSMDXRlbGVncmFtOjEwMDGUjARjaGF0lH2UKIwHY2hhdF9pZJRN6QOMCm1lc3NhZ2VfaWSUSyF1jANhc2uUfZQojAR2ZXJilIwGcmV2aWV3lIwKcmVwb3NpdG9yeZSMCWFjbWUvc2hvcJSMBm51bWJlcpRLDIwIYXBwcm92YWyUiXV1Lg==',NULL,NULL,1795993872640,1795993872643,'py_pickle','claude-stack',1795993872000);
INSERT INTO "operation_outputs" VALUES('01a22993-a680-7b02-8292-57402347b56a',2,'dispatch fetch','gAROLg==',NULL,NULL,1795993875264,1795993877269,'py_pickle','claude-stack',1795993877000);
CREATE TABLE queues (
    queue_id TEXT PRIMARY KEY DEFAULT (hex(randomblob(16))),
    name TEXT NOT NULL UNIQUE,
    concurrency INTEGER,
    worker_concurrency INTEGER,
    rate_limit_max INTEGER,
    rate_limit_period_sec REAL,
    priority_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    partition_queue BOOLEAN NOT NULL DEFAULT FALSE,
    polling_interval_sec REAL NOT NULL DEFAULT 1.0,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL, "partition_concurrency" INTEGER DEFAULT NULL, "partition_worker_concurrency" INTEGER DEFAULT NULL, "partition_rate_limit_max" INTEGER DEFAULT NULL, "partition_rate_limit_period_sec" REAL DEFAULT NULL);
CREATE TABLE streams (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    "offset" INTEGER NOT NULL, function_id INTEGER NOT NULL DEFAULT 0, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key, "offset"),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events_history (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, function_id, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_input (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    inputs TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_input" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My01YzQ4LTcxYzktYTI3Yi0wODM4NjE0Zjk3ZTeUhZSMBmt3YXJnc5R9lHUu',1795993854000);
INSERT INTO "workflow_input" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My02YmU4LTcxNGMtOTQ0Yy1jOGMxYjlkZGUwN2aUhZSMBmt3YXJnc5R9lHUu',1795993857000);
INSERT INTO "workflow_input" VALUES('01a22993-73b8-7c49-aee1-ddc2b17152c6','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My03M2I4LTdjNDktYWVlMS1kZGMyYjE3MTUyYzaUhZSMBmt3YXJnc5R9lHUu',1795993859000);
INSERT INTO "workflow_input" VALUES('01a22993-7f70-73f1-b432-5b31df43bff1','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My03ZjcwLTczZjEtYjQzMi01YjMxZGY0M2JmZjGUhZSMBmt3YXJnc5R9lHUu',1795993862000);
INSERT INTO "workflow_input" VALUES('01a22993-8358-7aa1-a77c-39769990c1e3','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My04MzU4LTdhYTEtYTc3Yy0zOTc2OTk5MGMxZTOUhZSMBmt3YXJnc5R9lHUu',1795993863000);
INSERT INTO "workflow_input" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My04YjI4LTdmODEtODgyNC02NTU2YzNiMWY4ZjmUhZSMBmt3YXJnc5R9lHUu',1795993865000);
INSERT INTO "workflow_input" VALUES('01a22993-96e0-7b51-b13f-cee941a1905c','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My05NmUwLTdiNTEtYjEzZi1jZWU5NDFhMTkwNWOUhZSMBmt3YXJnc5R9lHUu',1795993868000);
INSERT INTO "workflow_input" VALUES('01a22993-9eb0-7e7a-b8c8-30d85cae8d2e','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My05ZWIwLTdlN2EtYjhjOC0zMGQ4NWNhZThkMmWUhZSMBmt3YXJnc5R9lHUu',1795993870000);
INSERT INTO "workflow_input" VALUES('01a22993-a298-77b2-84a2-34297db94bdf','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My1hMjk4LTc3YjItODRhMi0zNDI5N2RiOTRiZGaUhZSMBmt3YXJnc5R9lHUu',1795993871000);
INSERT INTO "workflow_input" VALUES('01a22993-a680-7f80-b689-a2c57a8116cb','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My1hNjgwLTdmODAtYjY4OS1hMmM1N2E4MTE2Y2KUhZSMBmt3YXJnc5R9lHUu',1795993872000);
INSERT INTO "workflow_input" VALUES('01a22993-a680-7b02-8292-57402347b56a','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My1hNjgwLTdiMDItODI5Mi01NzQwMjM0N2I1NmGUhZSMBmt3YXJnc5R9lHUu',1795993872000);
INSERT INTO "workflow_input" VALUES('01a22993-a680-72a8-a241-b716552976c8','gASVQAAAAAAAAAB9lCiMBGFyZ3OUjCQwMWEyMjk5My1hNjgwLTcyYTgtYTI0MS1iNzE2NTUyOTc2YziUhZSMBmt3YXJnc5R9lHUu',1795993872000);
CREATE TABLE workflow_output (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    output TEXT,
    error TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_output" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7','gAROLg==',NULL,1795993855000);
INSERT INTO "workflow_output" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f','gAROLg==',NULL,1795993858000);
INSERT INTO "workflow_output" VALUES('01a22993-73b8-7c49-aee1-ddc2b17152c6','gAROLg==',NULL,1795993861000);
INSERT INTO "workflow_output" VALUES('01a22993-7f70-73f1-b432-5b31df43bff1','gAROLg==',NULL,1795993862000);
INSERT INTO "workflow_output" VALUES('01a22993-8358-7aa1-a77c-39769990c1e3','gAROLg==',NULL,1795993864000);
INSERT INTO "workflow_output" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9','gAROLg==',NULL,1795993866000);
CREATE TABLE workflow_schedules (
    schedule_id TEXT PRIMARY KEY,
    schedule_name TEXT NOT NULL UNIQUE,
    workflow_name TEXT NOT NULL,
    workflow_class_name TEXT,
    schedule TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ACTIVE',
    context TEXT NOT NULL
, "last_fired_at" TEXT DEFAULT NULL, "automatic_backfill" BOOLEAN NOT NULL DEFAULT FALSE, "cron_timezone" TEXT DEFAULT NULL, "queue_name" TEXT DEFAULT NULL, "application_name" TEXT DEFAULT NULL);
CREATE TABLE workflow_status (
    workflow_uuid TEXT PRIMARY KEY,
    status TEXT,
    name TEXT,
    authenticated_user TEXT,
    assumed_role TEXT,
    authenticated_roles TEXT,
    request TEXT,
    output TEXT,
    error TEXT,
    executor_id TEXT,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    application_version TEXT,
    application_id TEXT,
    class_name TEXT DEFAULT NULL,
    config_name TEXT DEFAULT NULL,
    recovery_attempts INTEGER DEFAULT 0,
    queue_name TEXT,
    workflow_timeout_ms INTEGER,
    workflow_deadline_epoch_ms INTEGER,
    inputs TEXT,
    started_at_epoch_ms INTEGER,
    deduplication_id TEXT,
    priority INTEGER NOT NULL DEFAULT 0
, queue_partition_key TEXT, forked_from TEXT, "owner_xid" TEXT DEFAULT NULL, "parent_workflow_id" TEXT DEFAULT NULL, "serialization" TEXT DEFAULT NULL, "delay_until_epoch_ms" BIGINT DEFAULT NULL, "was_forked_from" BOOLEAN NOT NULL DEFAULT FALSE, "rate_limited" BOOLEAN NOT NULL DEFAULT FALSE, "completed_at" BIGINT, "attributes" TEXT, "schedule_name" TEXT, "debounce_deadline_epoch_ms" BIGINT DEFAULT NULL, "is_debounced" BOOLEAN NOT NULL DEFAULT FALSE, "application_name" TEXT DEFAULT NULL, "creator_xid" TEXT DEFAULT NULL);
INSERT INTO "workflow_status" VALUES('01a22993-5c48-71c9-a27b-0838614f97e7','SUCCESS','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993854000,1795993855000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795993855000,'null',NULL,NULL,0,'claude-stack','7152ec31-02ad-4a0b-be2a-d8afef72f04c');
INSERT INTO "workflow_status" VALUES('01a22993-6be8-714c-944c-c8c1b9dde07f','SUCCESS','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993857000,1795993858000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795993858000,'null',NULL,NULL,0,'claude-stack','f68e3881-25d3-414f-aaeb-a01adad022db');
INSERT INTO "workflow_status" VALUES('01a22993-73b8-7c49-aee1-ddc2b17152c6','SUCCESS','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993859000,1795993861000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795993861000,'null',NULL,NULL,0,'claude-stack','fc8c3a95-ddd9-4e1c-b871-0af70d5f09ae');
INSERT INTO "workflow_status" VALUES('01a22993-7f70-73f1-b432-5b31df43bff1','SUCCESS','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993862000,1795993862000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795993862000,'null',NULL,NULL,0,'claude-stack','d1c73334-9c57-45a9-a5d1-0b4f148a939f');
INSERT INTO "workflow_status" VALUES('01a22993-8358-7aa1-a77c-39769990c1e3','SUCCESS','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993863000,1795993864000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795993864000,'null',NULL,NULL,0,'claude-stack','44677772-29a1-44b4-bdf9-ff96e94817e8');
INSERT INTO "workflow_status" VALUES('01a22993-8b28-7f81-8824-6556c3b1f8f9','SUCCESS','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993865000,1795993866000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795993866000,'null',NULL,NULL,0,'claude-stack','36a6856f-4bed-47a3-88ee-8c4a16680241');
INSERT INTO "workflow_status" VALUES('01a22993-96e0-7b51-b13f-cee941a1905c','PENDING','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993868000,1795993868000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'8249fe98-5530-4dfb-8aa4-910c82528694',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'claude-stack','8249fe98-5530-4dfb-8aa4-910c82528694');
INSERT INTO "workflow_status" VALUES('01a22993-9eb0-7e7a-b8c8-30d85cae8d2e','PENDING','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993870000,1795993870000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'146d1323-707a-4db5-b278-bb94f97f103d',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'claude-stack','146d1323-707a-4db5-b278-bb94f97f103d');
INSERT INTO "workflow_status" VALUES('01a22993-a298-77b2-84a2-34297db94bdf','PENDING','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993871000,1795993871000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'9bc49d18-923e-4b44-8f47-4de828551cb3',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'claude-stack','9bc49d18-923e-4b44-8f47-4de828551cb3');
INSERT INTO "workflow_status" VALUES('01a22993-a680-7f80-b689-a2c57a8116cb','PENDING','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993872000,1795993872000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'780aa912-46b8-4830-b2ae-6dd8b9ad472d',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'claude-stack','780aa912-46b8-4830-b2ae-6dd8b9ad472d');
INSERT INTO "workflow_status" VALUES('01a22993-a680-7b02-8292-57402347b56a','PENDING','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993872000,1795993872000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'f1a5deed-8120-4510-a806-4f8019b6b20d',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'claude-stack','f1a5deed-8120-4510-a806-4f8019b6b20d');
INSERT INTO "workflow_status" VALUES('01a22993-a680-72a8-a241-b716552976c8','PENDING','review',NULL,NULL,NULL,NULL,NULL,NULL,'orchestrator',1795993872000,1795993872000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'1e75dfe4-a3d5-496d-8212-95b2049b6bad',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'claude-stack','1e75dfe4-a3d5-496d-8212-95b2049b6bad');
CREATE INDEX workflow_status_created_at_index ON workflow_status (created_at);
CREATE INDEX idx_workflow_topic ON notifications (destination_uuid, topic);
CREATE INDEX "idx_workflow_status_delayed" ON "workflow_status" ("delay_until_epoch_ms") WHERE status = 'DELAYED';
CREATE INDEX "idx_workflow_status_forked_from" ON "workflow_status" ("forked_from") WHERE "forked_from" IS NOT NULL;
CREATE INDEX "idx_workflow_status_parent_workflow_id" ON "workflow_status" ("parent_workflow_id") WHERE "parent_workflow_id" IS NOT NULL;
CREATE UNIQUE INDEX "uq_workflow_status_dedup_id" ON "workflow_status" ("queue_name", "deduplication_id") WHERE "deduplication_id" IS NOT NULL;
CREATE INDEX "idx_workflow_status_pending" ON "workflow_status" ("created_at") WHERE "status" = 'PENDING';
CREATE INDEX "idx_workflow_status_failed" ON "workflow_status" ("status", "created_at") WHERE "status" IN ('ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED');
CREATE INDEX "idx_workflow_status_rate_limited" ON "workflow_status" ("queue_name", "started_at_epoch_ms") WHERE "rate_limited" = TRUE;
CREATE INDEX "idx_workflow_status_completed_at" ON "workflow_status" ("completed_at") WHERE "completed_at" IS NOT NULL;
CREATE INDEX "idx_workflow_status_started_at" ON "workflow_status" ("started_at_epoch_ms") WHERE "started_at_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_workflow_status_schedule_name" ON "workflow_status" ("schedule_name") WHERE "schedule_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_owner_version"
    ON application_versions ("application_name", "version_name")
    WHERE "application_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_unclaimed_version"
    ON application_versions ("version_name")
    WHERE "application_name" IS NULL;
CREATE INDEX idx_workflow_input_retention
    ON workflow_input (retention_timestamp);
CREATE INDEX idx_workflow_output_retention
    ON workflow_output (retention_timestamp);
CREATE INDEX idx_operation_outputs_retention
    ON operation_outputs (retention_timestamp);
CREATE INDEX "idx_workflow_status_in_flight_v2" ON "workflow_status" ("queue_name", "status", "priority", "created_at", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING');
CREATE INDEX "idx_workflow_status_partition_dequeue_v3" ON "workflow_status" ("queue_name", "status", "queue_partition_key", "priority", "created_at", "workflow_uuid", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING') AND "queue_partition_key" IS NOT NULL;
CREATE INDEX "idx_operation_outputs_completed_at_function_name_v2" ON "operation_outputs" ("completed_at_epoch_ms", "function_name", "application_name");
CREATE INDEX "idx_workflow_status_deadline" ON "workflow_status" ("workflow_deadline_epoch_ms") WHERE "status" IN ('ENQUEUED', 'PENDING', 'DELAYED') AND "workflow_deadline_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_application_versions_timestamp" ON "application_versions" ("version_timestamp" DESC);
CREATE INDEX "idx_application_versions_owner_timestamp" ON "application_versions" ("application_name", "version_timestamp" DESC);
COMMIT;
