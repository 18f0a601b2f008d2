DROP TABLE notification_channels;
DROP TABLE notifications;
